import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '@/lib/core/hash';
import { toShellAssignments } from '@/lib/core/shell-quote';
import { artifactFetch } from '@/lib/steps/artifact-fetch';
import { filePut } from '@/lib/steps/file-put';
import { findShells, runStepPart, type Shell } from '@/lib/testing/run-step';
import { startSshd, type TestSshd } from '@/lib/testing/sshd';
import { waitFor } from '@/lib/testing/wait-for';
import { connectHost, type HostConnection } from './connect-host';

/*
 * S17: what uploads and steps leave on a host. Files on their way are 0600 and made with O_EXCL, beside their target or in
 * root's own 0700 directory, and they are gone after success, failure and cancel, and at the next try after a crash. An
 * upload that was cut keeps its part on purpose: the next one goes on with it (upload-file.ssh.test.ts).
 */

const me = userInfo().username;
const content = 'secret content\n'.repeat(20_000);
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'siteplan-temporary-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const temporaries = (dir = join(root, 'etc')) =>
  existsSync(dir) ? readdirSync(dir).filter((name) => name.startsWith('.siteplan-')) : [];

describe.each(findShells().map((shell) => ({ name: shell.join(' '), shell })))(
  'file.put in $name',
  ({ shell }) => {
    const params = {
      path: '/etc/put',
      mode: '0644',
      owner: me,
      group: me,
      content,
      secrets: [],
      dropsStamps: [],
    };
    const put = () => runStepPart(filePut, 'act', { shell, root, params });

    /** The act with half of its input, waiting for the rest. */
    async function startHalf([program, ...args]: Shell): Promise<{ child: ChildProcess; name: string }> {
      const variables = { ...filePut.toVariables(params), payload_sha256: sha256Hex(content), root };
      const text = `${toShellAssignments(variables)}${filePut.act}`;
      // A group of its own: a cancel ends the act's whole cgroup, not only its shell.
      const child = spawn(program, [...args, '-c', text], {
        cwd: root,
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
      });
      child.stdin?.on('error', () => undefined);
      child.stdin?.write(content.slice(0, 100_000));
      await waitFor(() => temporaries().some((name) => statSync(join(root, 'etc', name)).size > 0), {
        what: 'the temporary file',
      });
      return { child, name: temporaries()[0] ?? '' };
    }

    async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
      const ended = once(child, 'exit');
      process.kill(-(child.pid ?? 0), signal);
      await ended;
    }

    it('is private on its way, and leaves nothing beside the file', async () => {
      const { child, name } = await startHalf(shell);
      expect(modeOf(join(root, 'etc', name))).toBe('600');
      const ended = once(child, 'exit');
      child.stdin?.end(content.slice(100_000));
      await ended;
      expect(readFileSync(join(root, 'etc/put'), 'utf8')).toBe(content);
      expect(readdirSync(join(root, 'etc'))).toEqual(['put']);
    });

    it('leaves nothing when it fails or is cancelled', async () => {
      const failed = await runStepPart(filePut, 'act', {
        shell,
        root,
        params,
        overrides: { payload_sha256: '0' },
      });
      expect(failed.code).toBe(1);
      expect(temporaries()).toEqual([]);
      const { child } = await startHalf(shell);
      await end(child, 'SIGTERM');
      expect(readdirSync(join(root, 'etc'))).toEqual([]);
    });

    it('clears away what a crash has left, at the next try', async () => {
      const { child } = await startHalf(shell);
      await end(child, 'SIGKILL');
      expect(temporaries()).toHaveLength(1);
      expect((await put()).code).toBe(0);
      expect(readdirSync(join(root, 'etc'))).toEqual(['put']);
    });

    it('follows no link that waits in the place of its file', async () => {
      mkdirSync(join(root, 'etc'));
      writeFileSync(join(root, 'victim'), 'victim');
      symlinkSync(join(root, 'victim'), join(root, 'etc/put'));
      symlinkSync(join(root, 'victim'), join(root, 'etc/.siteplan-new.aaaaaa'));
      expect((await put()).code).toBe(0);
      expect(readFileSync(join(root, 'victim'), 'utf8')).toBe('victim');
      expect(readdirSync(join(root, 'etc'))).toEqual(['put']);
    });
  },
);

describe('artifact.fetch', () => {
  it('keeps everything in directories of root alone', async () => {
    const file = 'f.tar.gz';
    mkdirSync(join(root, 'bin'));
    // Stands for curl: writes what is asked for to the path after --output.
    const curl = `#!/bin/sh
while [ "$1" != --output ]; do shift; done
case $2 in *sha256sum*) printf '%s  ${file}\\n' "${sha256Hex('artifact')}" > "$2" ;; *) printf artifact > "$2" ;; esac
`;
    writeFileSync(join(root, 'bin/curl'), curl, { mode: 0o755 });
    const params = { baseUrl: 'http://127.0.0.1:9', version: 'v1.35.7+rke2r1', arch: 'amd64', file };
    const [shell = ['sh'] as const] = findShells();
    const result = await runStepPart(artifactFetch, 'act', { shell, root, params });
    expect(result).toMatchObject({ code: 0 });
    const state = join(root, 'var/lib/siteplan-host');
    const names = readdirSync(state, { recursive: true, encoding: 'utf8' });
    expect(names.filter((name) => name.endsWith('.part'))).toEqual([]);
    expect(names.length).toBeGreaterThan(2);
    // The directory that holds all of it; what is inside needs no more.
    for (const dir of [state, join(state, 'artifacts'), join(state, 'artifacts/v1.35.7+rke2r1')]) {
      expect([dir.slice(root.length), modeOf(dir)]).toEqual([dir.slice(root.length), '700']);
    }
  });
});

describe('uploads', () => {
  let sshd: TestSshd;
  let connection: HostConnection;
  beforeAll(async () => {
    sshd = await startSshd();
    connection = await connectHost(sshd.target, { policy: { allow: ['127.0.0.0/8'] } });
  });
  afterAll(async () => {
    connection.close();
    await sshd.stop();
  });

  it('are private on their way, also where the target is public, and leave nothing', async () => {
    const bytes = randomBytes(400_000);
    const path = join(root, 'public');
    const seen: string[] = [];
    async function* slowly(start: number) {
      yield bytes.subarray(start, 300_000);
      await waitFor(() => temporaries(root).some((name) => statSync(join(root, name)).size > 0), {
        what: 'the partial file',
      });
      seen.push(...temporaries(root).map((name) => modeOf(join(root, name))));
      yield bytes.subarray(300_000);
    }
    const source = {
      open: (start: number) => Readable.from(slowly(start)),
      sizeBytes: bytes.length,
      sha256: sha256Hex(bytes),
    };
    await connection.upload(source, { path, mode: '0644' });
    expect(seen).toEqual(['600']);
    expect(modeOf(path)).toBe('644');
    expect(readdirSync(root)).toEqual(['public']);
    const lying = { ...source, sha256: '0'.repeat(64) };
    await expect(connection.upload(lying, { path, mode: '0644' })).rejects.toMatchObject({
      code: 'checksum-mismatch',
    });
    expect(readdirSync(root)).toEqual(['public']);
  });
});
