import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '@/lib/testing/wait-for';
import { bundleProgram } from './bundle-program';
import { runCommand, runOrThrow } from './command';
import { openLab, removeDeadLabs, startLab } from './lab';
import type { Lab } from './lab';
import { findLabDir } from './lab-dir';
import { findProcess } from './process-identity';
import { sshCommand } from './ssh-command';
import { checkLabSupport } from './support';

const labSupport = checkLabSupport();

describe.skipIf(labSupport !== null)('a lab with one host', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await startLab({ name: 'test-one', hosts: [{ name: 's1' }, { name: 's2', role: 'agent' }] });
  });
  afterAll(() => lab?.stop());

  it('lets root and ops in by key and opspw by password, each with sudo', async () => {
    expect((await sshCommand(lab, 's1', 'root', 'id -un; hostname')).stdout).toBe('root\ns1\n');
    expect((await sshCommand(lab, 's1', 'ops', 'id -un; sudo -n id -un')).stdout).toBe('ops\nroot\n');
    expect((await sshCommand(lab, 's1', 'opspw', 'id -un; sudo -n true')).stdout).toBe('opspw\n');
    const sudo = await lab.exec('s1', ['sudo', '-u', 'opspw', 'sudo', '-S', '-k', 'id', '-un'], {
      input: `${lab.password}\n`,
    });
    expect(sudo.stdout).toBe('root\n');
    const wrong = await lab.exec('s1', ['sudo', '-u', 'opspw', 'sudo', '-S', '-k', 'id', '-un'], {
      input: 'wrong\n',
    });
    expect(wrong.code).not.toBe(0);
  });

  it('shows the host key whose fingerprint the lab reports', async () => {
    const [host] = lab.hosts;
    const scanned = await runOrThrow(['ssh-keyscan', '-t', 'ed25519', host?.address ?? '']);
    const listing = await runOrThrow(['ssh-keygen', '-l', '-E', 'sha256', '-f', '-'], { input: scanned });
    expect(listing).toContain(` ${host?.hostKeyFingerprint} `);
    expect(new Set(lab.hosts.map((item) => item.hostKeyFingerprint)).size).toBe(2);
  });

  it('boots a whole Debian without failed units, an identity of its own and nothing running that was not asked for', async () => {
    const state = await lab.exec('s1', ['systemctl', 'is-system-running', '--wait']);
    expect(state.stdout).toBe('running\n');
    const ids = await Promise.all(['s1', 's2'].map((name) => lab.exec(name, ['cat', '/etc/machine-id'])));
    expect(ids[0]?.stdout).toMatch(/^[0-9a-f]{32}\n$/);
    expect(ids[0]?.stdout).not.toBe(ids[1]?.stdout);
    const listening = await lab.exec('s1', ['ss', '-Hltn']);
    expect(
      listening.stdout
        .trim()
        .split('\n')
        .every((line) => /:22\s/.test(line)),
    ).toBe(true);
    const installed = await lab.exec('s1', [
      'sh',
      '-c',
      'for tool in nginx keepalived etcd kubectl node python3 nft; do command -v $tool; done',
    ]);
    expect(installed.stdout.trim().split('\n')).toHaveLength(7);
  });

  it('has its own network: the other host answers, this machine is the default route, nothing else is reached', async () => {
    expect((await lab.exec('s1', ['ping', '-c1', '-W1', 's2'])).code).toBe(0);
    expect((await lab.exec('s1', ['ip', 'route', 'show', 'default'])).stdout).toContain(
      `via ${lab.gateway} `,
    );
    expect((await lab.exec('s1', ['ping', '-c1', '-W1', '192.0.2.77'])).code).not.toBe(0);
  });

  it('keeps files over a reboot, which gives a new boot id', async () => {
    const bootId = ['cat', '/proc/sys/kernel/random/boot_id'];
    const before = await lab.exec('s1', bootId);
    await lab.exec('s1', ['sh', '-c', 'echo kept > /root/kept; echo gone > /run/gone']);
    await lab.rebootHost('s1');
    expect((await lab.exec('s1', ['cat', '/root/kept'])).stdout).toBe('kept\n');
    expect((await lab.exec('s1', ['cat', '/run/gone'])).code).not.toBe(0);
    expect((await lab.exec('s1', bootId)).stdout).not.toBe(before.stdout);
    expect((await sshCommand(lab, 's1', 'ops', 'cat /etc/hostname')).stdout).toBe('s1\n');
  });

  it('fails and heals: power, freeze and cable', async () => {
    const answers = async () => (await lab.exec('s1', ['ping', '-c1', '-W1', 's2'])).code === 0;
    await lab.failHost('s2');
    expect(await answers()).toBe(false);
    await expect(lab.exec('s2', ['true'])).rejects.toThrow('s2 is not running');
    await expect(lab.failHost('s2')).rejects.toThrow('already failed');
    await lab.healHost('s2');
    expect((await sshCommand(lab, 's2', 'root', 'true')).code).toBe(0);
    await lab.failHost('s2', 'freeze');
    expect(await answers()).toBe(true);
    expect((await sshCommand(lab, 's2', 'root', 'true')).code).toBe(255);
    await lab.healHost('s2');
    await lab.failHost('s2', 'unplug');
    expect(await answers()).toBe(false);
    await lab.healHost('s2');
    expect((await sshCommand(lab, 's2', 'root', 'true')).code).toBe(0);
  });

  it('refuses a name that is taken and leaves the running lab alone', async () => {
    await expect(startLab({ name: 'test-one', hosts: [{ name: 's1' }] })).rejects.toThrow('already there');
    expect((await lab.exec('s1', ['true'])).code).toBe(0);
    await expect(startLab({ name: 'test-bad', hosts: [{ name: 'Not_a_name' }] })).rejects.toThrow(
      'Not_a_name',
    );
  });
});

describe.skipIf(labSupport !== null)('a lab that goes wrong', () => {
  it('says what the console said last when a host is too slow, and leaves nothing', async () => {
    const start = startLab({ name: 'test-slow', hosts: [{ name: 's1' }], bootLimitMs: 300 });
    await expect(start).rejects.toThrow(/did not answer ssh within 0\.3 s\. Its console said last:\n/);
    expect(existsSync(join(findLabDir(), 'labs/test-slow'))).toBe(false);
    expect(await openLab('test-slow')).toBeNull();
  });

  it('is removed by the next start when its process was killed', async () => {
    const program = await bundleProgram('e2e/lab/crash-main.ts', { target: 'node20' });
    const folder = mkdtempSync(join(tmpdir(), 'lab-crash-'));
    writeFileSync(join(folder, 'crash.cjs'), program);
    const child = spawn(process.execPath, [join(folder, 'crash.cjs')], { stdio: 'ignore' });
    const labDir = join(findLabDir(), 'labs/test-crash');
    const state = await waitFor(
      () => existsSync(join(labDir, 'up')) && readFileSync(join(labDir, 'state.json'), 'utf8'),
      {
        what: 'the lab of the other process',
        timeoutMs: 60_000,
      },
    );
    const { hosts, bridge } = JSON.parse(state);
    const isHostRunning = () => findProcess(hosts[0].supervisor.pid) !== null;
    expect(isHostRunning()).toBe(true);
    child.kill('SIGKILL');
    await waitFor(() => child.exitCode !== null || child.signalCode !== null, {
      what: 'the end of the other process',
    });
    rmSync(folder, { recursive: true });
    // A start of any other lab on this machine may do it first, so only the outcome counts.
    await removeDeadLabs();
    await waitFor(() => !existsSync(labDir), { what: 'the removal of the dead lab' });
    expect(isHostRunning()).toBe(false);
    expect((await runCommand(['ip', 'link', 'show', bridge])).code).not.toBe(0);
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain('labs/test-crash');
  });
});
