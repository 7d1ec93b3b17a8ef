import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { arch, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '@/lib/core/hash';
import { findShells, runStepPart } from '@/lib/testing/run-step';
import { artifactFetch } from './artifact-fetch';
import { artifactPush } from './artifact-push';
import { imagesPlace } from './images-place';
import { rke2Install } from './rke2-install';
import { PROBE_NEEDED, PROBE_SATISFIED } from './step-kind';

const version = 'v1.35.7+rke2r1';
const machine = arch() === 'x64' ? 'amd64' : 'arm64';
const tarball = `rke2.linux-${machine}.tar.gz`;
const folder = 'var/lib/siteplan-host/artifacts/v1.35.7+rke2r1';

let root = '';
let server: Server;
let baseUrl = '';
/** What the mirror serves by name, what it was asked for, and how it misbehaves. */
let files: Map<string, Buffer>;
let requests: string[];
let breakAfterBytes: number | null;
let hasRanges: boolean;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'siteplan-artifacts-'));
  files = new Map();
  requests = [];
  breakAfterBytes = null;
  hasRanges = true;
  server = createServer((request, response) => {
    requests.push(`${request.url ?? ''} ${request.headers.range ?? ''}`.trim());
    const body = files.get((request.url ?? '').replace('/rke2/v1.35.7%2Brke2r1/', ''));
    if (!body) return void response.writeHead(404).end();
    const from = hasRanges ? Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    if (from >= body.length && from > 0) return void response.writeHead(416).end();
    const rest = body.subarray(from);
    const headers = {
      'content-length': rest.length,
      ...(from > 0 && { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` }),
    };
    response.writeHead(from > 0 ? 206 : 200, headers);
    if (breakAfterBytes !== null && rest.length > breakAfterBytes) {
      response.write(rest.subarray(0, breakAfterBytes), () => response.destroy());
      breakAfterBytes = null;
    } else response.end(rest);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rke2/`; // a TCP server's address is of this type
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(root, { recursive: true, force: true });
});

function serve(name: string, body: Buffer, hash = sha256Hex(body)): void {
  files.set(name, body);
  const sums = `sha256sum-${machine}.txt`;
  files.set(sums, Buffer.from(`${(files.get(sums) ?? '').toString()}${hash}  ${name}\n`));
}

/** A release tarball with the real layout whose `rke2 --version` says `says`. */
function makeTarball(says = version): Buffer {
  const from = join(root, 'tarball');
  const put = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(join(from, path)), { recursive: true });
    writeFileSync(join(from, path), text, { mode });
  };
  put('bin/rke2', `#!/bin/sh\necho 'rke2 version ${says} (abc)'\necho 'go version go1.25'\n`, 0o755);
  put('bin/rke2-uninstall.sh', '#!/bin/sh\necho /usr/local\n', 0o755);
  put('bin/rke2-killall.sh', '#!/bin/sh\n', 0o755);
  put('lib/systemd/system/rke2-server.service', '[Service]\nExecStart=/usr/local/bin/rke2 server\n');
  put('lib/systemd/system/rke2-agent.service', '[Service]\nExecStart=/usr/local/bin/rke2 agent\n');
  put('share/rke2/rke2-cis-sysctl.conf', 'vm.panic_on_oom=0\n');
  const tar = execFileSync('tar', ['-czf', '-', '-C', from, '.'], { maxBuffer: 1e8 });
  rmSync(from, { recursive: true });
  return tar;
}

const shells = findShells().map((shell) => ({ name: shell.join(' '), shell }));

describe.each(shells)('artifacts with $name', ({ shell }) => {
  const fetch = (part: 'probe' | 'act' | 'verify', file = tarball) =>
    runStepPart(artifactFetch, part, {
      shell,
      root,
      params: { baseUrl, version, arch: machine, file },
      overrides: { pause_s: '0' },
    });
  const big = Buffer.alloc(3_000_000, 'siteplan');

  it('fetches, checks, and then has nothing to do', async () => {
    serve(tarball, big);
    expect((await fetch('probe')).code).toBe(PROBE_NEEDED);
    const act = await fetch('act');
    expect(act).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(join(root, folder, tarball)).equals(big)).toBe(true);
    expect(statSync(join(root, folder)).mode & 0o777).toBe(0o700);
    expect((await fetch('verify')).code).toBe(0);
    expect((await fetch('probe')).code).toBe(PROBE_SATISFIED);
    expect(requests).toEqual([
      `/rke2/v1.35.7%2Brke2r1/sha256sum-${machine}.txt`,
      `/rke2/v1.35.7%2Brke2r1/${tarball}`,
    ]);
    expect((await fetch('act')).stdout).toContain('is whole');
    expect(readdirSync(join(root, folder)).sort()).toEqual([tarball, `sha256sum-${machine}.txt`].sort());
  });

  it('goes on where a broken connection or a killed act stopped', async () => {
    serve(tarball, big);
    breakAfterBytes = 1_000_000;
    expect((await fetch('act')).code).toBe(0);
    expect(requests.at(-1)).toMatch(/bytes=[1-9]\d*-$/);
    rmSync(join(root, folder, tarball));
    writeFileSync(join(root, folder, `${tarball}.part`), big.subarray(0, 500_000));
    expect((await fetch('act')).stdout).toContain('going on after 0 MiB');
    expect(requests.at(-1)).toMatch(/bytes=500000-$/);
    expect(readFileSync(join(root, folder, tarball)).equals(big)).toBe(true);
  });

  it.each([
    ['other content', Buffer.alloc(500_000, 'x'), true],
    ['more than there is', Buffer.alloc(4_000_000, 'x'), true],
    ['a start that the mirror cannot continue', Buffer.alloc(500_000, 'siteplan'), false],
    ['the whole file', big, true],
  ])('recovers from a part that holds %s', async (_what, part, ranges) => {
    serve(tarball, big);
    hasRanges = ranges;
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, `${tarball}.part`), part);
    expect((await fetch('act')).code).toBe(0);
    expect(readFileSync(join(root, folder, tarball)).equals(big)).toBe(true);
  });

  it('refuses a file that differs from its checksum, and leaves nothing of it', async () => {
    serve(tarball, big, 'f'.repeat(64));
    const act = await fetch('act');
    expect(act.code).toBe(1);
    expect(act.stderr).toContain('siteplan-failure checksum-mismatch');
    expect(readdirSync(join(root, folder))).toEqual([`sha256sum-${machine}.txt`]);
  });

  it('says so when the list does not name the file', async () => {
    serve('other.tar.gz', big);
    files.set(tarball, big);
    expect((await fetch('act')).stderr).toContain(`does not name ${tarball}`);
  });

  it('places an image bundle beside the others, once', async () => {
    const file = `rke2-images-cilium.linux-${machine}.tar.zst`;
    serve(file, big);
    const place = (part: 'probe' | 'act' | 'verify') =>
      runStepPart(imagesPlace, part, { shell, root, params: { version, arch: machine, file } });
    expect((await place('act')).stderr).toContain('is not on the host');
    await fetch('act', file);
    expect((await place('probe')).code).toBe(PROBE_NEEDED);
    for (const _run of [1, 2]) expect((await place('act')).code).toBe(0);
    expect((await place('verify')).code).toBe(0);
    expect(readdirSync(join(root, 'var/lib/rancher/rke2/agent/images'))).toEqual([file]);
  });

  const install = (part: 'probe' | 'act' | 'verify', more: object = {}) =>
    runStepPart(rke2Install, part, {
      shell,
      root,
      params: { version, arch: machine, role: 'server', dropsStamps: ['rke2-server.service'], ...more },
    });

  it('installs the tarball as the install script does, drops the stamp of the service, twice the same', async () => {
    serve(tarball, makeTarball());
    await fetch('act');
    mkdirSync(join(root, 'var/lib/siteplan-host/stamps'), { recursive: true });
    writeFileSync(join(root, 'var/lib/siteplan-host/stamps/rke2-server.service'), 'old\n');
    mkdirSync(join(root, 'var/lib/siteplan-host/artifacts/v1.34.9+rke2r1'), { recursive: true });
    expect((await install('probe')).code).toBe(PROBE_NEEDED);
    for (const _run of [1, 2]) expect(await install('act')).toMatchObject({ code: 0, stderr: '' });
    expect((await install('verify')).stdout).toContain(`siteplan-output rke2_version ${version}`);
    expect((await install('probe')).code).toBe(PROBE_SATISFIED);
    expect(readdirSync(join(root, 'usr/local')).sort()).toEqual(['bin', 'lib', 'share']);
    expect(statSync(join(root, 'usr/local/bin/rke2')).mode & 0o777).toBe(0o755);
    expect(readdirSync(join(root, 'usr/local/lib/systemd/system'))).toEqual([
      'rke2-agent.service',
      'rke2-server.service',
    ]);
    expect(readdirSync(join(root, 'var/lib/siteplan-host/stamps'))).toEqual(['rke2-install']);
    expect(readdirSync(join(root, 'var/lib/siteplan-host/artifacts'))).toEqual([version]);
  });

  it('takes an installation that was cut for none', async () => {
    serve(tarball, makeTarball());
    await fetch('act');
    await install('act');
    writeFileSync(join(root, 'var/lib/siteplan-host/stamps/rke2-install'), 'unfinished\n');
    expect((await install('probe')).code).toBe(PROBE_NEEDED);
    expect((await install('act')).code).toBe(0);
  });

  it('refuses another architecture, a package, a damaged tarball and a binary that says something else', async () => {
    serve(tarball, makeTarball('v1.34.1+rke2r1'));
    const other = machine === 'amd64' ? 'arm64' : 'amd64';
    expect((await install('act', { arch: other })).stderr).toContain('siteplan-failure wrong-architecture');
    expect((await install('act')).stderr).toContain('siteplan-failure checksum-mismatch');
    await fetch('act');
    expect((await install('act')).stderr).toContain('says v1.34.1+rke2r1');
    expect((await install('probe')).code).toBe(PROBE_NEEDED);
    mkdirSync(join(root, 'usr/bin'), { recursive: true });
    symlinkSync('/bin/true', join(root, 'usr/bin/rke2'));
    expect((await install('act')).stderr).toContain('belongs to a package');
  });
});

describe.each(shells)('a file that was sent, with $name', ({ shell }) => {
  const body = Buffer.alloc(2_500_000, 'siteplan');
  const sums = `${sha256Hex(body)}  ${tarball}\n`;
  const incoming = () => join(root, 'var/lib/siteplan-host/incoming');
  const arrived = () => join(incoming(), sha256Hex(body));
  const push = (part: 'probe' | 'act' | 'verify', payload = sums, overrides = {}) =>
    runStepPart(artifactPush, part, {
      shell,
      root,
      params: { version, arch: machine, file: tarball },
      payload,
      overrides,
    });
  const arrive = (bytes: Buffer) => {
    mkdirSync(incoming(), { recursive: true });
    writeFileSync(arrived(), bytes, { mode: 0o600 });
  };

  it('is checked and put where a fetched one would be; then there is nothing to do', async () => {
    arrive(body);
    expect((await push('probe')).code).toBe(PROBE_NEEDED);
    expect(await push('act')).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(join(root, folder, tarball)).equals(body)).toBe(true);
    expect(readFileSync(join(root, folder, `sha256sum-${machine}.txt`), 'utf8')).toBe(sums);
    expect(statSync(join(root, folder)).mode & 0o777).toBe(0o700);
    expect(readdirSync(incoming())).toEqual([]);
    expect((await push('probe')).code).toBe(PROBE_SATISFIED);
    expect((await push('verify')).code).toBe(0);
    arrive(body);
    expect((await push('act')).stdout).toBe(`${tarball} is whole\n`);
    expect(readdirSync(incoming())).toEqual([]);
    writeFileSync(join(root, folder, tarball), 'other');
    expect((await push('probe')).code).toBe(PROBE_NEEDED);
  });

  it('is put in place as well when an act was killed after it gave the file its second name', async () => {
    arrive(body);
    mkdirSync(join(root, folder), { recursive: true });
    linkSync(arrived(), join(root, folder, `${tarball}.part`));
    expect(await push('act')).toMatchObject({ code: 0 });
    expect(readdirSync(join(root, folder)).sort()).toEqual([tarball, `sha256sum-${machine}.txt`].sort());
  });

  it.each([
    ['has other bytes', Buffer.alloc(100, 'x'), sums, 'checksum-mismatch'],
    ['did not arrive', null, sums, 'step-exit'],
    ['is not in the list', body, `${sha256Hex(body)}  other.tar.gz\n`, 'checksum-mismatch'],
    ['has a path for a checksum', body, `../../../../../victim  ${tarball}\n`, 'checksum-mismatch'],
  ])('that %s is refused, and nothing is put in place', async (_what, bytes, list, code) => {
    writeFileSync(join(root, 'victim'), '');
    if (bytes) arrive(bytes);
    const act = await push('act', list);
    expect(act.code).toBe(1);
    expect(act.stderr).toContain(`siteplan-failure ${code}`);
    expect(readdirSync(join(root, folder))).toEqual([`sha256sum-${machine}.txt`]);
    expect(existsSync(join(root, 'victim'))).toBe(true);
  });

  it('comes by hand from the folder of a bundle, which stays as it is', async () => {
    const by_hand = join(root, 'bundle/artifacts');
    mkdirSync(join(by_hand, version), { recursive: true });
    expect((await push('act', '', { by_hand })).stderr).toContain(
      `sha256sum-${machine}.txt is not in the folder artifacts/${version} of the bundle`,
    );
    writeFileSync(join(by_hand, version, `sha256sum-${machine}.txt`), sums);
    writeFileSync(join(by_hand, version, tarball), body);
    expect(await push('act', '', { by_hand })).toMatchObject({ code: 0 });
    expect((await push('verify')).code).toBe(0);
    expect(readdirSync(join(by_hand, version)).length).toBe(2);
    writeFileSync(join(by_hand, version, tarball), 'x');
    rmSync(join(root, folder, tarball));
    expect((await push('act', '', { by_hand })).stderr).toContain('siteplan-failure checksum-mismatch');
  });
});

describe('a mirror', () => {
  const shell = ['sh'] as const;
  const params = { baseUrl: '', version, arch: machine, file: tarball };

  it('that does not answer is told with its address', async () => {
    const act = await runStepPart(artifactFetch, 'act', {
      shell,
      root,
      params: { ...params, baseUrl: 'http://127.0.0.1:9/' },
      overrides: { pause_s: '0' },
    });
    expect(act.code).toBe(1);
    expect(act.stderr).toContain(
      'siteplan-failure download-failed http://127.0.0.1:9/v1.35.7%2Brke2r1/sha256sum',
    );
  });

  it('whose address looks like code or an option runs nothing', async () => {
    for (const url of [
      'http://x/$(touch marker)',
      '--output=/tmp/siteplan-marker',
      'file:///etc/passwd',
      "'; touch marker; '",
    ]) {
      const act = await runStepPart(artifactFetch, 'act', {
        shell,
        root,
        params: { ...params, baseUrl },
        overrides: { url, sums_url: url, pause_s: '0' },
      });
      expect(act.code).toBe(1);
    }
    expect([existsSync(join(root, 'marker')), existsSync('/tmp/siteplan-marker')]).toEqual([false, false]);
    expect(existsSync(join(root, folder, `sha256sum-${machine}.txt`))).toBe(false);
  });
});
