import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { startFakeHost } from '@/lib/testing/fake-host';
import { startSshd, type TestSshd } from '@/lib/testing/sshd';
import { startTcpProxy, type TcpProxy } from '@/lib/testing/tcp-proxy';
import { waitFor } from '@/lib/testing/wait-for';
import { connectHost, type HostConnection } from './connect-host';
import { toFileSource } from './file-source';
import type { ConnectOptions } from './target';
import type { UploadSource } from './upload-file';

const OPTIONS: ConnectOptions = {
  policy: { allow: ['127.0.0.0/8'] },
  keepalive: { intervalMs: 400, count: 2 },
};
const isRoot = process.getuid?.() === 0;
const content = randomBytes(6_000_000);
const sha256 = createHash('sha256').update(content).digest('hex');

let sshd: TestSshd;
let connection: HostConnection;
beforeAll(async () => {
  sshd = await startSshd();
  connection = await connectHost(sshd.target, OPTIONS);
});
afterAll(async () => {
  connection.close();
  await sshd.stop();
});

let count = 0;
async function makeDir(): Promise<string> {
  count += 1;
  const dir = join(sshd.dir, `up-${count}`);
  await mkdir(dir);
  return dir;
}

const partials = async (dir: string) => (await readdir(dir)).filter((name) => name.startsWith('.siteplan-'));

/** The file as a source that stops before `at`, for good, once the host has what came before, and then calls `then`. */
function stopping(dir: string, at: number, then: () => void): UploadSource {
  const size = async () => {
    const sizes = await Promise.all(
      (await partials(dir)).map(async (name) => (await stat(join(dir, name))).size),
    );
    return Math.max(0, ...sizes);
  };
  async function* pieces(start: number) {
    for (let from = start; from < at; from += 65_536)
      yield content.subarray(from, Math.min(at, from + 65_536));
    // What is on its way in the windows and pipes arrives as well.
    await waitFor(async () => (await size()) >= at, { what: 'the host to have the first part' });
    then();
    await new Promise(() => undefined);
  }
  return { open: (start) => Readable.from(pieces(start)), sizeBytes: content.length, sha256 };
}

async function through(t: TestContext): Promise<{ proxy: TcpProxy; proxied: HostConnection }> {
  const proxy = await startTcpProxy({ address: '127.0.0.1', port: sshd.port });
  const proxied = await connectHost({ ...sshd.target, port: proxy.port }, OPTIONS);
  t.onTestFinished(async () => {
    proxied.close();
    await proxy.stop();
  });
  return { proxy, proxied };
}

async function expectWhole(path: string): Promise<void> {
  expect((await readFile(path)).equals(content)).toBe(true);
  expect(((await stat(path)).mode & 0o777).toString(8)).toBe('640');
}

describe.concurrent('an upload that is cut', () => {
  const cuts = (['resetAll', 'halfCloseAll', 'blackHole'] as const).flatMap((how) =>
    [70_000, 3_000_000, content.length - 1].map((at) => [how, at] as const),
  );

  it.for(cuts)('by %s at byte %i goes on from there', async ([how, at], t) => {
    const dir = await makeDir();
    const path = join(dir, 'file');
    const { proxy, proxied } = await through(t);
    const cut = proxied.upload(
      stopping(dir, at, () => proxy[how]()),
      { path, mode: '0640' },
    );
    await expect(cut).rejects.toMatchObject({ code: 'connection-lost' });
    expect(existsSync(path)).toBe(false);
    const [name = ''] = await partials(dir);
    expect(((await lstat(join(dir, name))).mode & 0o777).toString(8)).toBe('600');
    const { sentBytes } = await connection.upload(content, { path, mode: '0640' });
    expect(sentBytes).toBe(content.length - at);
    await expectWhole(path);
    expect((await connection.upload(content, { path, mode: '0640' })).sentBytes).toBe(0);
    // A half-open connection may still hold its own partial file for as long as the host believes in it.
    if (how !== 'blackHole') expect(await partials(dir)).toEqual([]);
  });
});

it('an upload that is ended stops at once, and the next one goes on from there', async () => {
  const dir = await makeDir();
  const path = join(dir, 'file');
  const end = new AbortController();
  const seen: number[] = [];
  const source = stopping(dir, 3_000_000, () => end.abort(new Error('no longer wanted')));
  const ended = connection.upload(
    source,
    { path, mode: '0640' },
    { signal: end.signal, onProgress: (doneBytes) => seen.push(doneBytes) },
  );
  await expect(ended).rejects.toThrow('no longer wanted');
  expect(seen.at(-1)).toBe(3_000_000);
  const again: number[] = [];
  const { sentBytes } = await connection.upload(
    content,
    { path, mode: '0640' },
    { onProgress: (doneBytes) => again.push(doneBytes) },
  );
  expect(sentBytes).toBe(content.length - 3_000_000);
  expect(again).toEqual([content.length]);
  await expectWhole(path);
  await expect(connection.upload(content, { path, mode: '0640' }, { signal: end.signal })).rejects.toThrow(
    'no longer wanted',
  );
});

describe('partial files', () => {
  const nameOf = (end: string) => `.siteplan-upload-${sha256}.${end}`;
  const path = (dir: string) => join(dir, 'file');
  const upload = (dir: string) => connection.upload(content, { path: path(dir), mode: '0640' });

  async function leave(dir: string, end: string, bytes: Uint8Array): Promise<string> {
    const at = join(dir, nameOf(end));
    await writeFile(at, bytes, { mode: 0o600 });
    return at;
  }

  it('of other content are not built upon', async () => {
    const dir = await makeDir();
    await leave(dir, 'aaaaaa', randomBytes(500_000));
    expect((await upload(dir)).sentBytes).toBe(content.length);
    await expectWhole(path(dir));
    expect(await partials(dir)).toEqual([]);
  });

  it('that cannot be opened are only copied from', async (t) => {
    const dir = await makeDir();
    // Nobody can write to a program while it runs.
    const program = await readFile('/bin/sh');
    const whole = Buffer.concat([program, randomBytes(10_000)]);
    const hash = createHash('sha256').update(whole).digest('hex');
    const part = join(dir, `.siteplan-upload-${hash}.aaaaaa`);
    await writeFile(part, program, { mode: 0o700 });
    const running = spawn(part, ['-c', 'read -r word'], { argv0: 'sh', stdio: ['pipe', 'ignore', 'ignore'] });
    t.onTestFinished(() => void running.kill('SIGKILL'));
    await once(running, 'spawn');
    await chmod(part, 0o600);
    const { sentBytes } = await connection.upload(whole, { path: path(dir), mode: '0640' });
    expect(sentBytes).toBe(10_000);
    expect((await readFile(path(dir))).equals(whole)).toBe(true);
  });

  it('that are whole need nothing more', async () => {
    const dir = await makeDir();
    await leave(dir, 'aaaaaa', content);
    expect((await upload(dir)).sentBytes).toBe(0);
    await expectWhole(path(dir));
  });

  it('that are links, readable by others or somebody else’s are left alone', async () => {
    const dir = await makeDir();
    const victim = join(dir, 'victim');
    await writeFile(victim, content.subarray(0, 1_000), { mode: 0o600 });
    await symlink(victim, join(dir, nameOf('linked')));
    await chmod(await leave(dir, 'public', content.subarray(0, 2_000)), 0o644);
    if (isRoot) await chown(await leave(dir, 'theirs', content.subarray(0, 3_000)), 65_534, 65_534);
    expect((await upload(dir)).sentBytes).toBe(content.length);
    await expectWhole(path(dir));
    expect((await readFile(victim)).length).toBe(1_000);
    expect((await readFile(join(dir, nameOf('public')))).length).toBe(2_000);
  });

  it('of other uploads go after a day, not before', async () => {
    const dir = await makeDir();
    const names = ['old', 'new'].map((word) => `.siteplan-upload-${word.padEnd(64, '0')}.abcdef`);
    for (const [index, name] of names.entries()) {
      await writeFile(join(dir, name), 'x', { mode: 0o600 });
      const hours = index === 0 ? 25 : 23;
      const at = new Date(Date.now() - hours * 3_600_000);
      await utimes(join(dir, name), at, at);
    }
    await upload(dir);
    expect(await partials(dir)).toEqual(names.slice(1));
  });

  it('are private while the upload goes on, and gone when its source fails to keep its word', async () => {
    const dir = await makeDir();
    const lying = { open: () => Readable.from([content.subarray(0, 10)]), sizeBytes: content.length, sha256 };
    await expect(connection.upload(lying, { path: path(dir), mode: '0640' })).rejects.toMatchObject({
      code: 'checksum-mismatch',
    });
    const open = (start: number) => Readable.from(failAfter(content.subarray(start, start + 10)));
    const broken = { ...lying, open };
    await expect(connection.upload(broken, { path: path(dir), mode: '0640' })).rejects.toThrow('unplugged');
    expect(existsSync(path(dir))).toBe(false);
    // Ten bytes of the first, and of the second what was on its way.
    expect((await upload(dir)).sentBytes).toBeLessThanOrEqual(content.length - 10);
  });

  async function* failAfter(bytes: Uint8Array) {
    yield bytes;
    await new Promise((resolve) => setImmediate(resolve));
    throw new Error('unplugged');
  }
});

describe('two uploads of one file', () => {
  it('at once both end well, and leave one whole file', async () => {
    const dir = await makeDir();
    const target = { path: join(dir, 'file'), mode: '0640' };
    await Promise.all(Array.from({ length: 4 }, () => connection.upload(content, target)));
    await expectWhole(target.path);
  });

  it('do not wait for one whose connection is half open, and cannot be spoilt by it', async (t) => {
    const dir = await makeDir();
    const target = { path: join(dir, 'file'), mode: '0640' };
    const { proxy, proxied } = await through(t);
    const frozen = proxied.upload(
      stopping(dir, 2_000_000, () => proxy.freezeConnections()),
      target,
    );
    await expect(frozen).rejects.toMatchObject({ code: 'connection-lost' });
    const { sentBytes } = await connection.upload(content, target);
    expect(sentBytes).toBe(content.length - 2_000_000);
    proxy.resetAll();
    await expectWhole(target.path);
  });

  it('from a file of this machine are read in large pieces', async () => {
    const dir = await makeDir();
    const path = join(dir, 'source');
    await writeFile(path, content);
    const source = await toFileSource(path);
    await connection.upload(source, { path: join(dir, 'file'), mode: '0640' });
    await expectWhole(join(dir, 'file'));
  });
});

describe('a host that prints', () => {
  const shout = `head -c 100000 /dev/zero | tr '\\0' x`;

  async function shouting({ onTestFinished }: TestContext, program: string, script: string) {
    const host = await startFakeHost('s1');
    const noisy = await connectHost(host.target, OPTIONS);
    onTestFinished(async () => {
      noisy.close();
      await host.stop();
    });
    await writeFile(join(host.root, 'bin', program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return { noisy, path: join(host.root, 'file') };
  }

  it('something else than an answer is not listened to for long', async (t) => {
    const { noisy, path } = await shouting(t, 'mkdir', `${shout}; exec /bin/mkdir "$@"`);
    const upload = noisy.upload(content, { path, mode: '0640' });
    await expect(upload).rejects.toMatchObject({ code: 'step-exit' });
    await expect(upload).rejects.toThrow(/prints something else than an answer/);
    expect(existsSync(path)).toBe(false);
  });

  it('after its answer is not minded', async (t) => {
    const { noisy, path } = await shouting(t, 'mv', `${shout}; exec /bin/mv "$@"`);
    await noisy.upload(content, { path, mode: '0640' });
    await expectWhole(path);
  });
});

describe.skipIf(!isRoot)('a file system that refuses', () => {
  async function mounted(t: TestContext, options: string): Promise<string> {
    const dir = await makeDir();
    const result = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'siteplan-test', dir]);
    if (result.status !== 0) t.skip(`no tmpfs can be mounted here: ${result.stderr.toString()}`);
    t.onTestFinished(async () => {
      spawnSync('umount', [dir]);
      await rm(dir, { recursive: true });
    });
    return dir;
  }

  it('because it is full says so, keeps the old file and leaves no rest', async (t) => {
    const dir = await mounted(t, 'size=4m');
    const target = { path: join(dir, 'file'), mode: '0640' };
    await connection.upload(Buffer.from('old'), target);
    await expect(connection.upload(content, target)).rejects.toMatchObject({ code: 'disk-full' });
    expect(await readFile(target.path, 'utf8')).toBe('old');
    expect(await partials(dir)).toEqual([]);
  });

  it('because it is read-only says so', async (t) => {
    const dir = await mounted(t, 'size=16m');
    spawnSync('mount', ['-o', 'remount,ro', dir]);
    const target = { path: join(dir, 'file'), mode: '0640' };
    await expect(connection.upload(content, target)).rejects.toMatchObject({ code: 'read-only-filesystem' });
  });
});
