import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSshd, type TestSshd } from '@/lib/testing/sshd';
import { waitFor } from '@/lib/testing/wait-for';
import { connectHost } from './connect-host';
import type { HostPublicKey } from './host-key';
import type { HostTarget } from './target';

/** A real ssh-agent that holds eight keys; the host knows the last one, and takes three tries. */
const KEYS = 8;

let sshd: TestSshd;
let dir: string;
let stopAgent: () => Promise<void>;
const socket = () => join(dir, 'agent.sock');
beforeAll(async () => {
  sshd = await startSshd(['MaxAuthTries 3']);
  dir = mkdtempSync(join(tmpdir(), 'siteplan-agent-'));
  const agent = spawn('ssh-agent', ['-D', '-a', socket()], { stdio: 'ignore' });
  const ended = once(agent, 'exit');
  stopAgent = async () => {
    agent.kill('SIGTERM');
    await ended;
  };
  await waitFor(() => existsSync(socket()), { what: 'the agent to listen' });
  for (let index = 0; index < KEYS - 1; index += 1) add(makeKey(index));
  add(join(sshd.dir, 'client'));
});
afterAll(async () => {
  await stopAgent();
  await sshd.stop();
  rmSync(dir, { recursive: true });
});

function makeKey(index: number): string {
  const path = join(dir, `key-${index}`);
  execFileSync('ssh-keygen', ['-q', '-t', index % 2 === 0 ? 'ed25519' : 'ecdsa', '-N', '', '-f', path]);
  return path;
}

function add(path: string): void {
  execFileSync('ssh-add', ['-q', path], {
    env: { PATH: '/usr/bin:/bin', SSH_AUTH_SOCK: socket(), NODE_ENV: 'test' },
  });
}

function readPublicKey(path: string): HostPublicKey {
  const [algorithm = '', publicKey = ''] = readFileSync(`${path}.pub`, 'utf8').split(' ');
  return { algorithm, publicKey };
}

async function whoAmI(auth: HostTarget['auth']): Promise<string> {
  const connection = await connectHost({ ...sshd.target, auth }, { policy: { allow: ['127.0.0.0/8'] } });
  try {
    return (await connection.openShell().run({ script: 'id -un', timeoutMs: 5_000 })).stdout
      .toString()
      .trim();
  } finally {
    connection.close();
  }
}

describe('the agent of the worker', () => {
  it('signs in with the one key that the credential names, at the first try', async () => {
    const publicKey = readPublicKey(join(sshd.dir, 'client'));
    expect(await whoAmI({ kind: 'agent', socket: socket(), publicKey })).toBe(sshd.user);
  });

  it('without a named key is refused for too many tries, as an agent of many keys is', async () => {
    await expect(whoAmI({ kind: 'agent', socket: socket() })).rejects.toMatchObject({
      code: 'auth-rejected',
    });
  });

  it('offers no other key than the named one', async () => {
    const publicKey = readPublicKey(join(dir, 'key-0'));
    await expect(whoAmI({ kind: 'agent', socket: socket(), publicKey })).rejects.toMatchObject({
      code: 'auth-rejected',
      message: expect.stringContaining("refused the agent's keys") as string,
    });
    const absent = { algorithm: 'ssh-ed25519', publicKey: sshd.hostKeys[0]?.publicKey ?? '' };
    await expect(whoAmI({ kind: 'agent', socket: socket(), publicKey: absent })).rejects.toMatchObject({
      code: 'auth-rejected',
    });
  });

  it('that is not there is a credential that is missing', async () => {
    await expect(whoAmI({ kind: 'agent', socket: join(dir, 'nothing.sock') })).rejects.toMatchObject({
      code: 'credential-missing',
    });
  });
});
