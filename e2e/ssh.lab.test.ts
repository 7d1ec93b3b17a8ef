import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { startLab, type Lab } from '@/e2e/lab/lab';
import { checkLabSupport } from '@/e2e/lab/support';
import type { Failure } from '@/lib/core/failure';
import { connectHost, type HostConnection } from '@/lib/ssh/connect-host';
import { HostError } from '@/lib/ssh/host-error';
import { scanHostKey } from '@/lib/ssh/scan-host-key';
import type { HostTarget } from '@/lib/ssh/target';
import { createEngineRig, RIG_POLICY } from '@/lib/testing/engine-rig';
import { startOwnDatabase, type OwnDatabase } from '@/lib/testing/own-database';
import { waitFor } from '@/lib/testing/wait-for';

const unsupported = checkLabSupport();
const OPTIONS = { policy: RIG_POLICY };

/** Users with shells as people have them, and a second sshd that allows little and says much. */
const SET_UP = `set -eu
for user in noisy dashy nolog forced ttyuser; do
  useradd --create-home --shell /bin/bash "$user"
  install -d -m 700 -o "$user" -g "$user" "/home/$user/.ssh"
  install -m 600 -o "$user" -g "$user" /root/.ssh/authorized_keys "/home/$user/.ssh/authorized_keys"
  printf '%s ALL=(ALL:ALL) NOPASSWD: ALL\\n' "$user" > "/etc/sudoers.d/$user"
done
usermod --shell /bin/dash dashy
usermod --shell /usr/sbin/nologin nolog
printf 'Defaults:ttyuser requiretty\\n' >> /etc/sudoers.d/ttyuser
cat > /home/noisy/.bashrc <<'NOISE'
echo "Welcome to $(uname -n)"; printf '\\033[31mred\\033[0m\\n' >&2
stty sane
alias sh='echo no shell'
PS1='> '
NOISE
printf 'Authorised use only.\\nAll of it.\\n' > /etc/ssh/banner
cat > /etc/ssh/strict_config <<'CONFIG'
Port 2222
PidFile none
HostKey /etc/ssh/ssh_host_ed25519_key
MaxSessions 1
Banner /etc/ssh/banner
ClientAliveInterval 1
ClientAliveCountMax 2
PasswordAuthentication no
KbdInteractiveAuthentication yes
UsePAM yes
PermitRootLogin yes
Match User forced
  ForceCommand echo only this
CONFIG
systemd-run --quiet --unit=sshd-strict /usr/sbin/sshd -D -f /etc/ssh/strict_config
`;

describe.skipIf(unsupported !== null)(`SSH to real hosts${unsupported ? `: ${unsupported}` : ''}`, () => {
  let lab: Lab;
  let database: OwnDatabase;
  let dir: string;
  let privateKey: string;

  beforeAll(async () => {
    [lab, database] = await Promise.all([
      startLab({ name: 'ssh', hosts: [{ name: 's1' }, { name: 'b1' }, { name: 'b2' }] }),
      startOwnDatabase(),
    ]);
    dir = await mkdtemp(join(tmpdir(), 'siteplan-ssh-lab-'));
    privateKey = await readFile(hostOf('s1').privateKeyPath, 'utf8');
    const { code, stderr } = await lab.exec('s1', ['sh', '-c', SET_UP]);
    if (code !== 0) throw new Error(stderr);
  });
  afterAll(async () => {
    await Promise.all([lab.stop(), database.stop()]);
    await rm(dir, { recursive: true, force: true });
  });

  function hostOf(name: string) {
    const host = lab.hosts.find((one) => one.name === name);
    if (!host) throw new Error(`the lab has no ${name}`);
    return host;
  }

  /** A host of the lab with its scanned key, which must be the one that the lab made. */
  async function targetOf(name: string, change: Partial<HostTarget> = {}): Promise<HostTarget> {
    const { address, port, hostKeyFingerprint } = hostOf(name);
    const endpoint = { name, address, port: change.port ?? port };
    const key = await scanHostKey(endpoint, OPTIONS, change.bastions);
    expect(key.fingerprint).toBe(hostKeyFingerprint);
    const auth = { kind: 'key' as const, privateKey };
    return { ...endpoint, user: 'root', auth, sudo: 'none', hostKey: { pinned: [key] }, ...change };
  }

  async function connect(t: TestContext, target: HostTarget): Promise<HostConnection> {
    const connection = await connectHost(target, OPTIONS);
    t.onTestFinished(() => connection.close());
    return connection;
  }

  async function whoAmI(connection: HostConnection): Promise<string> {
    const script = 'printf "%s " "$(id -un)"; cat';
    const result = await connection.openShell().run({ script, payload: 'payload', timeoutMs: 20_000 });
    return result.stdout.toString();
  }

  async function failureOf(work: Promise<unknown>): Promise<Failure> {
    const error = await work.then(
      () => null,
      (reason: unknown) => reason,
    );
    if (!(error instanceof HostError)) throw new Error('did not fail with a HostError', { cause: error });
    return error.failure;
  }

  it('by key, by password, and as root through sudo with and without password', async (t) => {
    const password = { kind: 'password' as const, password: lab.password };
    const cases: Partial<HostTarget>[] = [
      {},
      { user: 'ops', sudo: 'nopasswd' },
      { user: 'opspw', auth: password, sudo: { password: lab.password } },
      { user: 'opspw', auth: password, sudo: { password: lab.password }, port: 2222 },
    ];
    for (const change of cases) {
      expect(await whoAmI(await connect(t, await targetOf('s1', change)))).toBe('root payload');
    }
    const asUser = { user: 'opspw', auth: password, sudo: 'none' as const };
    expect(await whoAmI(await connect(t, await targetOf('s1', asUser)))).toBe('opspw payload');
    const wrong = { user: 'opspw', auth: { ...password, password: 'canary' } };
    const failure = await failureOf(connect(t, await targetOf('s1', wrong)));
    expect(failure).toMatchObject({ code: 'auth-rejected' });
    expect(JSON.stringify(failure)).not.toContain('canary');
  });

  it('by a key with a passphrase, and by an agent that holds it', async (t) => {
    const path = join(dir, 'locked');
    await copyFile(hostOf('s1').privateKeyPath, path);
    execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'canary phrase', '-f', path]);
    const locked = { kind: 'key' as const, privateKey: await readFile(path, 'utf8') };
    const open = await targetOf('s1', { auth: { ...locked, passphrase: 'canary phrase' } });
    expect(await whoAmI(await connect(t, open))).toBe('root payload');
    expect(await failureOf(connect(t, { ...open, auth: locked }))).toMatchObject({
      code: 'credential-missing',
    });

    const socket = join(dir, 'agent.sock');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    const ended = once(agent, 'exit');
    await waitFor(() => existsSync(socket), { what: 'the agent to listen' });
    const env = { PATH: '/usr/bin:/bin', SSH_AUTH_SOCK: socket, NODE_ENV: 'test' as const };
    execFileSync('ssh-add', ['-q', hostOf('s1').privateKeyPath], { env });
    const [algorithm = '', publicKey = ''] = execFileSync('ssh-add', ['-L'], { env }).toString().split(' ');
    const auth = { kind: 'agent' as const, socket, publicKey: { algorithm, publicKey } };
    expect(await whoAmI(await connect(t, { ...open, auth }))).toBe('root payload');
    agent.kill('SIGTERM');
    await ended;
  });

  it('through one bastion and through two, on another port', async (t) => {
    const b1 = await targetOf('b1', { user: 'ops' });
    const near = await targetOf('s1', { bastions: [b1] });
    expect(await whoAmI(await connect(t, near))).toBe('root payload');
    const b2 = await targetOf('b2', { bastions: [b1] });
    const far = await targetOf('s1', { bastions: [b1, b2], port: 2222 });
    const connection = await connect(t, far);
    const shell = connection.openShell();
    const script = 'echo "$SSH_CONNECTION" | cut -d " " -f 1,4';
    const result = await shell.run({ script, timeoutMs: 20_000 });
    expect(result.stdout.toString().trim()).toBe(`${hostOf('b2').address} 2222`);
  });

  it.for(['noisy', 'dashy'])('whatever the login shell says or is (%s)', async (user, t) => {
    for (const port of [22, 2222]) {
      const connection = await connect(t, await targetOf('s1', { user, sudo: 'nopasswd', port }));
      expect(await whoAmI(connection)).toBe('root payload');
      const path = `/root/from-${user}-${port}`;
      const sent = await connection.upload(Buffer.from('content'), {
        path,
        mode: '0600',
        owner: 'root:root',
      });
      expect(sent.sentBytes).toBe(7);
      expect((await lab.exec('s1', ['cat', path])).stdout).toBe('content');
    }
  });

  it.for([
    ['nolog', 22, 'login-shell-unusable', 'This account is currently not available'],
    ['forced', 2222, 'login-shell-unusable', 'only this'],
    ['ttyuser', 22, 'sudo-needs-tty', 'insists on a terminal'],
    ['opspw', 22, 'sudo-password-needed', 'asks for a password'],
  ] as const)('or says why it cannot be worked with (%s)', async ([user, port, code, words], t) => {
    const auth = { kind: 'password' as const, password: lab.password };
    const change = { user, port, sudo: 'nopasswd' as const, ...(user === 'opspw' && { auth }) };
    const failure = await failureOf(whoAmI(await connect(t, await targetOf('s1', change))));
    expect(failure.code).toBe(code);
    expect(failure.message).toContain(words);
  });

  it('with one session on a connection: probe, step, journal and sampler still work', async (t) => {
    const target = await targetOf('s1', { port: 2222 });
    const connection = await connect(t, target);
    let beats = '';
    const stream = await connection.stream({
      script: 'while echo beat; do sleep 0.2; done',
      onData: (chunk) => {
        beats += chunk.toString();
      },
    });
    const ended = stream.done.catch(() => null);
    const step = { nodeId: 'n-0', params: { name: 'crowded', lines: 20, pauseS: '0.1' } };
    const host = { nodeId: 'n-0', target, root: '' };
    const rig = await createEngineRig(database.worker, [host], [step]);
    const state = await rig.execute({
      connect: () => Promise.resolve({ ...connection, close: () => undefined }),
    });
    expect(state).toBe('done');
    const log = await rig.logOf(rig.plan.steps[0]?.id ?? '');
    expect(log.trim().split('\n')).toHaveLength(20);
    expect(beats.split('\n').length).toBeGreaterThan(5);
    stream.close();
    await ended;
  });

  it('that ask whether we are still there (ClientAlive), and restart their sshd', async (t) => {
    const connection = await connect(t, await targetOf('s1', { port: 2222 }));
    const shell = connection.openShell();
    const idle = await shell.run({ script: 'sleep 4; echo still', timeoutMs: 20_000 });
    expect(idle.stdout.toString()).toBe('still\n');
    const plain = await connect(t, await targetOf('s1'));
    expect(await whoAmI(plain)).toBe('root payload');
    await lab.exec('s1', ['systemctl', 'restart', 'ssh.service']);
    // sshd's own children outlive it: what is connected stays so.
    expect(await whoAmI(plain)).toBe('root payload');
    let lost: Failure | null | undefined;
    plain.onClose((failure) => {
      lost = failure;
    });
    const waiting = failureOf(plain.openShell().run({ script: 'sleep 60', timeoutMs: 90_000 }));
    await lab.exec('s1', ['pkill', '-KILL', '-f', '^sshd: root']);
    expect((await waiting).code).toBe('connection-lost');
    await waitFor(() => lost, { what: 'the loss to be told' });
    expect(await whoAmI(await connect(t, await targetOf('s1')))).toBe('root payload');
  });
});
