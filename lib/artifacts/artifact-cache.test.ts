import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '@/lib/core/hash';
import { waitFor } from '@/lib/testing/wait-for';
import { openArtifactCache, type ArtifactCache } from './artifact-cache';

const version = 'v1.35.7+rke2r1';
const file = 'rke2.linux-amd64.tar.gz';
const sums = 'sha256sum-amd64.txt';
const body = randomBytes(2_000_000);
const wanted = { version, arch: 'amd64', file } as const;

let dir = '';
let server: Server;
let baseUrl = '';
let cache: ArtifactCache;
/** What the server was asked for, what it serves, and how it answers the next requests for the file. */
let requests: string[];
let files: Map<string, Buffer>;
let answers: ((response: ServerResponse, from: number) => void)[];

const send = (response: ServerResponse, bytes: Buffer, from: number) => {
  if (from >= bytes.length && from > 0) return void response.writeHead(416).end();
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length - from });
  response.end(bytes.subarray(from));
};
/** Breaks the connection once `count` bytes were sent. */
const breakAfter = (count: number) => (response: ServerResponse, from: number) => {
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': body.length - from });
  response.write(body.subarray(from, from + count), () => setImmediate(() => response.destroy()));
};

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'siteplan-cache-'));
  requests = [];
  answers = [];
  files = new Map([
    [file, body],
    [sums, Buffer.from(`${sha256Hex(body)}  ${file}\n`)],
  ]);
  server = createServer((request, response) => {
    const name = (request.url ?? '').replace('/rke2/v1.35.7%2Brke2r1/', '');
    requests.push(`${name} ${request.headers.range ?? ''}`.trim());
    const bytes = files.get(name);
    if (!bytes) return void response.writeHead(404).end();
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const answer = name === file ? answers.shift() : undefined;
    if (answer) answer(response, from);
    else send(response, bytes, from);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rke2/`; // a TCP server's address is of this type
  cache = openArtifactCache(join(dir, 'artifacts'), { baseUrl, pauseMs: 1 });
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(dir, { recursive: true, force: true });
});

const folder = () => join(dir, 'artifacts', version);
const signal = new AbortController().signal;
const find = (options: { signal?: AbortSignal; onProgress?: (done: number) => void } = {}) =>
  cache.find(wanted, { signal, ...options });
const failureOf = async (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => (error as { failure: unknown }).failure, // an ArtifactError, or the test fails on undefined
  );

describe('the artifact cache', () => {
  it('downloads what is missing, checked, for its owner alone, and asks nobody then', async () => {
    const seen: number[] = [];
    const found = await find({ onProgress: (done) => seen.push(done) });
    expect(found).toMatchObject({ sizeBytes: body.length, sha256: sha256Hex(body) });
    expect(found.sums).toBe(files.get(sums)?.toString());
    expect((await readFile(found.path)).equals(body)).toBe(true);
    expect(seen.at(-1)).toBe(body.length);
    expect(requests).toEqual([sums, file]);
    expect((await readdir(folder())).sort()).toEqual([file, sums].sort());
    expect([(await stat(folder())).mode & 0o777, (await stat(found.path)).mode & 0o777]).toEqual([
      0o700, 0o600,
    ]);
    await find();
    expect(requests.length).toBe(2);
  });

  it('downloads once for all who want it at once, and goes on for the others when one leaves', async () => {
    let go: () => void = () => undefined;
    answers = [(response, from) => (go = () => send(response, body, from))];
    const leaving = new AbortController();
    const gone = find({ signal: leaving.signal });
    const others = [find(), find(), find()];
    await waitFor(() => requests.length === 2, { what: 'the request' });
    leaving.abort(new Error('cancelled'));
    await expect(gone).rejects.toThrow('cancelled');
    go();
    const found = await Promise.all(others);
    expect(new Set(found.map(({ path }) => path)).size).toBe(1);
    expect(requests).toEqual([sums, file]);
  });

  it('goes on after a broken connection, and after all who wanted it had left', async () => {
    answers = [breakAfter(700_000)];
    await find();
    expect(requests.at(-1)).toMatch(/bytes=[1-9]\d*-$/);
    await rm(join(folder(), file));
    const leaving = new AbortController();
    answers = [(response) => void response.writeHead(200).write(body.subarray(0, 500_000))];
    const left = find({ signal: leaving.signal });
    const size = async () => {
      const [part = ''] = (await readdir(folder())).filter((name) => name.startsWith('.'));
      return (await stat(join(folder(), part))).size;
    };
    await waitFor(async () => (await size()) === 500_000, { what: 'the part' });
    leaving.abort(new Error('cancelled'));
    await expect(left).rejects.toThrow('cancelled');
    expect((await readFile((await find()).path)).equals(body)).toBe(true);
    expect(requests.at(-1)).toBe(`${file} bytes=500000-`);
  });

  it('goes on with what a dead process left, and waits for a living one', async () => {
    await mkdir(folder(), { recursive: true });
    const other = spawn('sleep', ['100'], { stdio: 'ignore' });
    const ended = once(other, 'exit');
    await writeFile(join(folder(), `.${file}.part-${other.pid}`), body.subarray(0, 900_000));
    const finding = find();
    await waitFor(() => requests.includes(sums), { what: 'the list' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(requests).toEqual([sums]);
    other.kill('SIGKILL');
    await ended;
    await finding;
    expect(requests.at(-1)).toBe(`${file} bytes=900000-`);
  });

  it.each([
    ['other bytes', () => Buffer.alloc(500, 'x')],
    ['more than there is', () => Buffer.concat([body, body])],
    ['the whole file', () => body],
  ])('recovers from a part with %s', async (_what, toPart) => {
    await mkdir(folder(), { recursive: true });
    await writeFile(join(folder(), `.${file}.part-${process.pid}`), toPart());
    expect((await readFile((await find()).path)).equals(body)).toBe(true);
  });

  it('fetches a file again that was damaged on the disk', async () => {
    const { path } = await find();
    await writeFile(path, 'damaged');
    expect((await readFile((await find()).path)).equals(body)).toBe(true);
  });

  it('gives nothing whose checksum differs or that the list does not name', async () => {
    files.set(file, Buffer.from('something else'));
    expect(await failureOf(find())).toMatchObject({ code: 'checksum-mismatch' });
    expect(await readdir(folder())).toEqual([sums]);
    for (const list of ['', `${'f'.repeat(63)}/  ${file}\n`, `${sha256Hex(body)}  other\n`]) {
      await rm(folder(), { recursive: true });
      files.set(sums, Buffer.from(list));
      expect(await failureOf(find())).toMatchObject({ code: 'checksum-mismatch' });
    }
  });

  it('says what to do when the release or the internet is not there', async () => {
    files.clear();
    const failure = {
      code: 'download-failed',
      nextAction: expect.stringContaining(`npm run cli -- artifacts add --release ${version} FILE...`),
    };
    expect(await failureOf(find())).toMatchObject({
      ...failure,
      message: expect.stringMatching(/^Siteplan has no rke2\S+ of v1\.35\.7\+rke2r1.*answers HTTP 404\.$/),
    });
    expect(requests.length).toBe(1);
    server.closeAllConnections();
    server.close();
    expect(await failureOf(find())).toMatchObject({
      ...failure,
      message: expect.stringContaining('it refuses connections'),
    });
  });

  it.skipIf(process.getuid?.() !== 0)('names a full disk, and goes on when there is room', async (t) => {
    const { execFileSync } = await import('node:child_process');
    await mkdir(join(dir, 'artifacts'), { recursive: true });
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', join(dir, 'artifacts')]);
    } catch {
      return t.skip('this machine mounts nothing');
    }
    try {
      expect(await failureOf(find())).toMatchObject({
        code: 'disk-full',
        message: `Siteplan could not keep ${file}: its artifact cache has no room left.`,
      });
      execFileSync('mount', ['-o', 'remount,size=10m', join(dir, 'artifacts')]);
      expect((await readFile((await find()).path)).equals(body)).toBe(true);
    } finally {
      execFileSync('umount', [join(dir, 'artifacts')]);
    }
  });

  it.skipIf(process.getuid?.() === 0)('says whose directory it must be', async () => {
    await mkdir(join(dir, 'artifacts'), { mode: 0o500 });
    expect(await failureOf(find())).toMatchObject({ message: expect.stringContaining('may not be read') });
    await chmod(join(dir, 'artifacts'), 0o700);
  });
});
