import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { runCommand } from './command';
import { runLabCommand } from './cli';
import { openLab, startLab } from './lab';
import type { Lab } from './lab';
import { labPatterns } from './patterns';
import { sshCommand } from './ssh-command';
import { checkLabSupport } from './support';

const labSupport = checkLabSupport();

describe.skipIf(labSupport !== null)('eight hosts', () => {
  let lab: Lab | null = null;
  afterAll(() => lab?.stop());

  it('boot together, each reachable by ssh and from every other', async () => {
    const startedAt = Date.now();
    lab = await startLab({ name: 'test-eight', hosts: labPatterns['ha'] ?? [] });
    console.log(`eight hosts answer ssh after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
    const { hosts } = lab;
    expect(
      hosts
        .map((host) => host.role)
        .sort()
        .join(),
    ).toBe('agent,agent,agent,lb,lb,server,server,server');
    const names = await Promise.all(
      hosts.map((host) => sshCommand(lab as Lab, host.name, 'root', 'hostname')),
    );
    expect(names.map((result) => result.stdout.trim())).toEqual(hosts.map((host) => host.name));
    const pings = await Promise.all(
      hosts.map((host) => (lab as Lab).exec('s1', ['ping', '-c1', '-W2', host.name])),
    );
    expect(pings.map((result) => result.code)).toEqual(hosts.map(() => 0));
    const states = await Promise.all(
      hosts.map((host) => (lab as Lab).exec(host.name, ['systemctl', 'is-system-running', '--wait'])),
    );
    expect(states.map((result) => result.stdout)).toEqual(hosts.map(() => 'running\n'));
  });
});

describe.skipIf(labSupport !== null)('the command line', () => {
  const say: string[] = [];
  const run = async (...argv: string[]) => {
    say.length = 0;
    await runLabCommand(argv, (line) => say.push(line));
    return say.join('\n');
  };
  afterAll(async () => (await openLab('test-cli'))?.stop());

  it('brings a lab up with a mirror, lists, fails, heals and removes it', async () => {
    const up = await run('up', 'one', 'test-cli');
    expect(up).toMatch(/^NODE +ROLE +ADDRESS +USER +HOST KEY\ns1 +server +10\.213\.\d+\.11 +root +SHA256:/m);
    const [, url = ''] = /mirror URL +(\S+)/.exec(up) ?? [];
    const [, key = ''] = /^key +(\S+)/m.exec(up) ?? [];
    expect(readFileSync(key, 'utf8')).toContain('OPENSSH PRIVATE KEY');
    const sums = await fetch(`${url}/v1.35.7%2Brke2r1/sha256sum-amd64.txt`);
    expect(await sums.text()).toContain('  rke2.linux-amd64.tar.gz\n');
    expect(await run('list')).toMatch(/^test-cli +s1 +server +\S+ +up /m);
    expect(await run('fail', 'test-cli/s1')).toMatch(/^test-cli +s1 +server +\S+ +failed \(power-off\) /m);
    expect(await run('heal', 'test-cli/s1')).toMatch(/^test-cli +s1 +server +\S+ +up /m);
    await expect(run('fail', 'test-cli/nobody')).rejects.toThrow('no running lab has a host test-cli/nobody');
    await expect(run('fail', 'test-cli/s1', 'sulk')).rejects.toThrow('not by sulk');
    expect(await run('down', 'test-cli')).toContain('removed: test-cli');
    expect(await openLab('test-cli')).toBeNull();
    await expect(fetch(url)).rejects.toThrow();
    await expect(run('down', 'test-cli')).rejects.toThrow('there is no lab test-cli');
    await expect(run('dance')).rejects.toThrow('up ha|edge|both|one');
    expect((await runCommand(['ip', 'link', 'show'])).stdout).not.toContain('vb-spl-test-cli');
  });
});
