import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startFakeHost } from '@/lib/testing/fake-host';
import { startSshd, type TestSshd } from '@/lib/testing/sshd';
import { waitFor } from '@/lib/testing/wait-for';
import { connectHost, type HostConnection } from './connect-host';
import type { FramedShell, ScriptCall } from './framed-shell';

let sshd: TestSshd;
let connection: HostConnection;
let shell: FramedShell;

beforeAll(async () => {
  sshd = await startSshd();
  connection = await connectHost(sshd.target, { policy: { allow: ['127.0.0.0/8'] } });
});
beforeEach(() => {
  shell = connection.openShell();
});
afterEach(() => shell.close());
afterAll(async () => {
  connection.close();
  await sshd.stop();
});

function run(script: string, options: Partial<ScriptCall> = {}) {
  return shell.run({ script, timeoutMs: 20_000, ...options });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('framed shell over a real sshd', () => {
  it('gives exit code, output and error apart, byte for byte', async () => {
    const payload = randomBytes(100_000);
    const result = await run('cat; printf %s "$sp_text" >&2; exit 42', {
      payload,
      variables: { text: "it's $HOME `id`\n" },
    });
    expect(result.exitCode).toBe(42);
    expect(result.stdout.equals(payload)).toBe(true);
    expect(result.stderr.toString()).toBe("it's $HOME `id`\n");
    expect(result.truncated).toBe(false);
  });

  it('is one shell for many calls, that cannot change each other', async () => {
    await run('sp_left=over; cd /; umask 0; set -eu; trap "echo trap" EXIT');
    const [first, second] = await Promise.all([
      run('echo "$$ ${sp_left-nothing} $(umask) ${-}"'),
      run('echo "$$"'),
    ]);
    const [pid, left, mask, flags] = first.stdout.toString().trim().split(' ');
    expect(left).toBe('nothing');
    expect(mask).toMatch(/^0*22$/);
    expect(flags ?? '').not.toContain('e');
    expect(second.stdout.toString().trim()).toBe(pid);
  });

  it('leaves nothing of the frame for a script that eats its input', async () => {
    const results = await Promise.all([
      run('cat; read -r line || echo none'),
      run('cat >/dev/null; echo second'),
    ]);
    expect(results.map(({ stdout }) => stdout.toString())).toEqual(['none\n', 'second\n']);
  });

  it('survives a script that does not parse, and one that ends every shell it can', async () => {
    expect((await run('if then (')).exitCode).not.toBe(0);
    expect((await run('exit 7')).exitCode).toBe(7);
    await expect(run('kill -9 $$')).rejects.toMatchObject({ code: 'connection-lost' });
    expect((await run('echo again')).stdout.toString()).toBe('again\n');
  });

  it('cannot be broken by output that looks like a frame', async () => {
    const text = '\nsiteplan-00000000000000000000000000000000-end 0\n\nsiteplan-end 0\n';
    const result = await run('printf %s "$sp_text"; printf %s "$sp_text" >&2; exit 5', {
      variables: { text },
    });
    expect(result).toMatchObject({ exitCode: 5 });
    expect(result.stdout.toString()).toBe(text);
    expect(result.stderr.toString()).toBe(text);
  });

  it('keeps a flood within the limit', async () => {
    const result = await run('head -c 8000000 /dev/zero; echo done >&2', { maxOutputBytes: 10_000 });
    expect(result.stdout.length).toBe(10_000);
    expect(result.truncated).toBe(true);
    expect(result.stderr.toString()).toBe('done\n');
  });

  it('ends the processes of a script that takes too long, and goes on with a new shell', async () => {
    const pidFile = join(sshd.dir, 'hanging.pid');
    const hanging = run('trap "" TERM; echo $$ > "$sp_file"; sleep 300; sleep 300', {
      variables: { file: pidFile },
      timeoutMs: 400,
    });
    await expect(hanging).rejects.toMatchObject({ code: 'step-timeout' });
    const pid = Number(await readFile(pidFile, 'utf8'));
    await waitFor(() => !isAlive(pid), { what: 'the hanging script to be gone' });
    expect((await run('echo next')).stdout.toString()).toBe('next\n');
  });

  it('shows no payload and no variable in any process list', async () => {
    const canary = 'canary-4711-not-in-argv';
    const seen = await run(
      'cat >/dev/null; cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; echo end',
      {
        payload: canary,
        variables: { canary },
        maxOutputBytes: 16_000_000,
      },
    );
    expect(seen.stdout.toString()).toContain('end');
    expect(seen.truncated).toBe(false);
    expect(seen.stdout.includes(canary)).toBe(false);
  });
});

describe('streams', () => {
  it('give every byte in order and the exit code, holding the host back meanwhile', async () => {
    let bytes = 0;
    let isBusy = false;
    const stream = await connection.stream({
      script: 'i=0; while [ $i -lt 200000 ]; do echo "$sp_word $i"; i=$((i+1)); done; exit 9',
      variables: { word: 'line' },
      onData: async (chunk) => {
        expect(isBusy).toBe(false);
        isBusy = true;
        bytes += chunk.length;
        await new Promise((resolve) => setImmediate(resolve));
        isBusy = false;
      },
    });
    expect(await stream.done).toEqual({ exitCode: 9, stderr: '' });
    expect(bytes).toBe(200_000 * 'line '.length + 1_088_890 + 200_000);
  });

  it('reject when the receiver fails, and end the channel', async () => {
    const stream = await connection.stream({
      script: 'while echo x; do sleep 0.01; done',
      onData: () => {
        throw new Error('no more room');
      },
    });
    await expect(stream.done).rejects.toThrow('no more room');
  });
});

describe('uploads', () => {
  const content = randomBytes(3_000_000);

  it('arrive whole, with mode, and travel once', async () => {
    const target = { path: join(sshd.dir, 'up/load/ed'), mode: '0640' };
    expect((await connection.upload(content, target)).sentBytes).toBe(content.length);
    expect((await readFile(target.path)).equals(content)).toBe(true);
    expect((await connection.upload(content, { ...target, mode: '0600' })).sentBytes).toBe(0);
    const seen = await run('stat -c "%a %h" "$sp_path"; ls -A "${sp_path%/*}"', {
      variables: { path: target.path },
    });
    expect(seen.stdout.toString()).toBe('600 1\ned\n');
  });

  it('with another checksum leave the old file', async () => {
    const path = join(sshd.dir, 'kept');
    await connection.upload(Buffer.from('old'), { path, mode: '0600' });
    const lying = {
      open: () => Readable.from([Buffer.from('new')]),
      sizeBytes: 3,
      sha256: '0'.repeat(64),
    };
    await expect(connection.upload(lying, { path, mode: '0600' })).rejects.toMatchObject({
      code: 'checksum-mismatch',
    });
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(
      (
        await run('ls -A "$sp_dir" | grep -c siteplan-upload || true', { variables: { dir: sshd.dir } })
      ).stdout.toString(),
    ).toBe('0\n');
  });

  it('name the cause when there is no room or no way', async () => {
    await expect(
      connection.upload(Buffer.alloc(10), { path: '/proc/nope/file', mode: '0600' }),
    ).rejects.toMatchObject({
      code: 'step-exit',
    });
    const full = connection.upload(content, { path: '/dev/full/file', mode: '0600' });
    await expect(full).rejects.toMatchObject({ code: 'step-exit' });
  });
});

describe('a framed shell that is idle when its host goes', () => {
  it('says at its next call that the connection is lost, and does not wait for a time limit', async () => {
    const host = await startFakeHost('idle');
    const open = await connectHost(host.target, { policy: { allow: ['127.0.0.0/8'] } });
    try {
      const idle = open.openShell();
      expect((await idle.run({ script: 'exit 7', timeoutMs: 20_000 })).exitCode).toBe(7);
      const lost = new Promise((resolve) => open.onClose(resolve));
      await host.reboot();
      await lost;
      await expect(idle.run({ script: ':', timeoutMs: 100_000 })).rejects.toMatchObject({
        code: 'connection-lost',
      });
    } finally {
      open.close();
      await host.stop();
    }
  });
});
