import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLab, type Lab } from '@/e2e/lab/lab';
import { checkLabSupport } from '@/e2e/lab/support';
import { RUNNER_HASH } from '@/lib/provision/host-runner';
import type { RunEventBody } from '@/lib/run/run-event';
import { connectHost } from '@/lib/ssh/connect-host';
import { scanHostKey } from '@/lib/ssh/scan-host-key';
import type { HostTarget } from '@/lib/ssh/target';
import {
  createEngineRig,
  RIG_INSTALLATION,
  RIG_POLICY,
  type EngineRig,
  type RigHost,
} from '@/lib/testing/engine-rig';
import type { TestStep } from '@/lib/testing/ledger-step';
import { startOwnDatabase, type OwnDatabase } from '@/lib/testing/own-database';
import { buildEngineProcess, type EngineProcesses } from '@/lib/testing/spawn-engine';
import { waitFor } from '@/lib/testing/wait-for';

const unsupported = checkLabSupport();

describe.skipIf(unsupported !== null)(
  `engine on a whole host${unsupported ? `: ${unsupported}` : ''}`,
  () => {
    let lab: Lab;
    let database: OwnDatabase;
    let engines: EngineProcesses;
    let host: RigHost;

    beforeAll(async () => {
      [lab, database, engines] = await Promise.all([
        startLab({ name: 'engine', hosts: [{ name: 's1' }] }),
        startOwnDatabase(),
        buildEngineProcess(),
      ]);
      host = { nodeId: 'n-0', target: await targetOf('root'), root: '' };
    });
    afterAll(async () => {
      await Promise.all([lab.stop(), database.stop(), engines.remove()]);
    });

    async function targetOf(user: 'root' | 'ops' | 'opspw'): Promise<HostTarget> {
      const [labHost] = lab.hosts;
      if (!labHost) throw new Error('the lab has no host');
      const endpoint = { name: 's1', address: labHost.address, port: labHost.port };
      const key = await scanHostKey(endpoint, { policy: RIG_POLICY });
      expect(key.fingerprint).toBe(labHost.hostKeyFingerprint);
      const { password } = lab;
      return {
        ...endpoint,
        user,
        auth:
          user === 'opspw'
            ? { kind: 'password', password }
            : { kind: 'key', privateKey: await readFile(labHost.privateKeyPath, 'utf8') },
        sudo: user === 'root' ? 'none' : user === 'ops' ? 'nopasswd' : { password },
        hostKey: { pinned: [key] },
      };
    }

    const step = (name: string, params: Readonly<Record<string, unknown>> = {}): TestStep => ({
      nodeId: 'n-0',
      params: { name, ...params },
    });
    const rigOf = (steps: readonly TestStep[]) => createEngineRig(database.worker, [host], steps);
    const typesOf = (events: readonly RunEventBody[]) => events.map(({ type }) => type);
    const untilOutput = (rig: EngineRig) =>
      waitFor(async () => typesOf(await rig.events()).includes('step.output'), { what: 'output of an act' });
    const onHost = async (...command: string[]) => (await lab.exec('s1', command)).stdout.trim();

    async function ledger(): Promise<string[]> {
      return (await onHost('cat', '/ledger')).split('\n');
    }

    function toLines(name: string, count: number): string {
      return Array.from(
        { length: count },
        (_, at) => `${name} ${String(at + 1).padStart(6, '0')} line\n`,
      ).join('');
    }

    it.for(['root', 'ops', 'opspw'] as const)('acts as root, whoever signs in (%s)', async (user) => {
      const connection = await connectHost(await targetOf(user), { policy: RIG_POLICY });
      const shell = connection.openShell();
      const result = await shell.run({ script: 'id -u', timeoutMs: 10_000 });
      expect(result.stdout.toString()).toBe('0\n');
      connection.close();
      const rig = await createEngineRig(
        database.worker,
        [{ ...host, target: await targetOf(user) }],
        [step(`by-${user}`)],
      );
      expect(await rig.execute()).toBe('done');
      expect(await rig.logOf(rig.plan.steps[0]?.id ?? '')).toBe(toLines(`by-${user}`, 3));
      expect(await onHost('stat', '-c', '%a %U', '/var/lib/siteplan-host')).toBe('700 root');
    });

    const keepers = () => onHost('systemctl', 'list-units', '--plain', '--no-legend', 'siteplan-act*');
    const cgroupOf = async (pidFile: string) => {
      const path = `/proc/${await onHost('cat', pidFile)}/cgroup`;
      return /^0::(.*)$/m.exec(await onHost('cat', path))?.[1] ?? '';
    };

    it('runs an act in the cgroup of a service that outlives every session', async () => {
      const rig = await rigOf([step('unit', { lines: 30, pauseS: '0.1' })]);
      const ended = rig.execute();
      await untilOutput(rig);
      expect(await keepers()).toMatch(/^siteplan-acts-\w+\.service loaded active running/);
      expect(await cgroupOf('/ledger.pid')).toMatch(/^\/system\.slice\/siteplan-acts-\w+\.service$/);
      expect(await ended).toBe('done');
      expect(await keepers()).toBe('');
    });

    it('keeps acts through a reload and a re-execution of systemd', async () => {
      const rig = await rigOf([step('reload', { lines: 40, pauseS: '0.1' })]);
      const ended = rig.execute();
      await untilOutput(rig);
      await onHost('systemctl', 'daemon-reload');
      await onHost('systemctl', 'daemon-reexec');
      expect(await ended).toBe('done');
      expect(await rig.logOf(rig.plan.steps[0]?.id ?? '')).toBe(toLines('reload', 40));
      expect((await ledger()).filter((name) => name === 'reload')).toHaveLength(1);
    });

    it('takes an act for interrupted whose service was stopped by somebody else, and acts again', async () => {
      const rig = await rigOf([step('stopped', { lines: 30, pauseS: '0.1' })]);
      const ended = rig.execute();
      await untilOutput(rig);
      await onHost('systemctl', 'stop', 'siteplan-acts-*');
      expect(await ended).toBe('done');
      expect((await ledger()).filter((name) => name === 'stopped')).toHaveLength(2);
      expect(await rig.logOf(rig.plan.steps[0]?.id ?? '')).toBe(toLines('stopped', 30));
    });

    it('leaves a second attempt alone after the first was cut, whoever comes next', async () => {
      const rig = await rigOf([step('again', { lines: 60, pauseS: '0.1' })]);
      const { runId, plan, hosts } = rig;
      const key = (attempt: number) => `${runId}.${plan.steps[0]?.id}.${attempt}`;
      const epoch = (await rig.claim()).toString();
      const engine = engines.spawn({ databaseUrl: database.workerUrl, runId, epoch, plan, hosts });
      await untilOutput(rig);
      const boot = (await onHost('cat', `/var/lib/siteplan-host/acts/${key(1)}/boot`)).split(' ');
      await onHost('kill', '-KILL', boot[1] ?? '');
      const isActingAgain = async () =>
        (await rig.events()).some((event) => event.type === 'step.act-started' && event.attempt === 2);
      await waitFor(isActingAgain, { what: 'the second attempt' });
      engine.child.kill('SIGKILL');
      await engine.ended;
      expect(await rig.execute()).toBe('done');
      expect((await ledger()).filter((name) => name === 'again')).toHaveLength(2);
      expect(await rig.logOf(plan.steps[0]?.id ?? '')).toBe(toLines('again', 60));
    });

    it('ends all of an act that another version of the runner has started', async () => {
      const rig = await rigOf([step('older', { lines: 600, pauseS: '0.1', isStraying: true })]);
      const epoch = await rig.claim();
      const stop = new AbortController();
      const ended = rig.execute({ epoch, signal: stop.signal }).catch(() => 'stopped');
      await untilOutput(rig);
      stop.abort(new Error('the worker is replaced'));
      expect(await ended).toBe('stopped');
      const key = `${rig.runId}.${rig.plan.steps[0]?.id}.1`;
      const script = `cd /var/lib/siteplan-host && cp runner-${RUNNER_HASH} runner-000000000000
        sp_root= sp_runner=$PWD/runner-000000000000 sp_installation=${RIG_INSTALLATION} sp_epoch=${epoch}
        (set -- prepare ${rig.runId}; . "$sp_runner") && set -- cancel ${key} && . "$sp_runner"`;
      expect(await onHost('sh', '-c', script)).toContain('reason=cancel');
      expect(await onHost('pgrep', '-fc', '^sleep 98765')).toBe('0');
      expect(await onHost('sh', '-c', 'kill -0 $(cat /ledger.pid) 2>/dev/null || echo gone')).toBe('gone');
    });

    it('goes on where sudo ends with its session', async () => {
      const target = await targetOf('opspw');
      const rig = await createEngineRig(
        database.worker,
        [{ ...host, target }],
        [step('sudo', { lines: 40, pauseS: '0.1' })],
      );
      const { runId, plan, hosts } = rig;
      const epoch = (await rig.claim()).toString();
      const engine = engines.spawn({ databaseUrl: database.workerUrl, runId, epoch, plan, hosts });
      await untilOutput(rig);
      engine.child.kill('SIGKILL');
      await engine.ended;
      await waitFor(async () => (await onHost('pgrep', '-fc', '^sudo ')) === '0', { what: 'sudo to end' });
      expect(await rig.execute()).toBe('done');
      expect((await ledger()).filter((name) => name === 'sudo')).toHaveLength(1);
      expect(await rig.logOf(plan.steps[0]?.id ?? '')).toBe(toLines('sudo', 40));
    });

    it('ends an act whose time is up, with all of it', async () => {
      const rig = await rigOf([
        { ...step('late', { lines: 600, pauseS: '0.1', isStraying: true }), kind: 'test.ledger-short' },
      ]);
      expect(await rig.execute()).toBe('failed');
      expect((await rig.events()).at(-1)).toMatchObject({ failure: { code: 'step-timeout' } });
      expect(await onHost('pgrep', '-fc', '^sleep 98765')).toBe('0');
    });

    it('goes on after kill -9 of the engine, with each act and each line once', async () => {
      const rig = await rigOf([step('killed', { lines: 40, pauseS: '0.1' }), step('after')]);
      const { runId, plan, hosts } = rig;
      const epoch = (await rig.claim()).toString();
      const engine = engines.spawn({ databaseUrl: database.workerUrl, runId, epoch, plan, hosts });
      await untilOutput(rig);
      engine.child.kill('SIGKILL');
      await engine.ended;
      expect(await rig.execute()).toBe('done');
      expect((await ledger()).slice(-2)).toEqual(['killed', 'after']);
      expect(await rig.logOf(plan.steps[0]?.id ?? '')).toBe(toLines('killed', 40));
      expect(typesOf(await rig.events())).toContain('step.reattached');
    });

    it('ends everything of an act on cancel, also what left its process group', async () => {
      let isCancelled = false;
      const rig = await rigOf([step('strays', { lines: 600, pauseS: '0.1', isStraying: true })]);
      const ended = rig.execute({ isCancelRequested: () => isCancelled });
      await untilOutput(rig);
      expect(await onHost('pgrep', '-fc', '^sleep 98765')).toBe('1');
      isCancelled = true;
      expect(await ended).toBe('cancelled');
      await waitFor(async () => (await onHost('pgrep', '-fc', '^sleep 98765')) === '0', {
        what: 'the stray process to be gone',
      });
      expect(await keepers()).toBe('');
    });

    it('sees a reboot in the middle of an act, waits, and lets the probe decide', async () => {
      const rig = await rigOf([step('rebooted', { lines: 30, pauseS: '0.1' })]);
      const ended = rig.execute();
      await untilOutput(rig);
      await lab.rebootHost('s1');
      expect(await ended).toBe('done');
      const events = await rig.events();
      expect(events).toContainEqual({ type: 'host.back', nodeId: 'n-0', rebooted: true });
      expect((await ledger()).filter((name) => name === 'rebooted')).toHaveLength(2);
      expect(await rig.logOf(rig.plan.steps[0]?.id ?? '')).toBe(toLines('rebooted', 30));
    });

    it('survives a cable that is pulled and put back', async () => {
      const rig = await rigOf([step('unplugged', { lines: 60, pauseS: '0.1' })]);
      const ended = rig.execute();
      await untilOutput(rig);
      await lab.failHost('s1', 'unplug');
      await waitFor(async () => typesOf(await rig.events()).includes('host.lost'), {
        what: 'the loss to be noticed',
      });
      await lab.healHost('s1');
      expect(await ended).toBe('done');
      expect((await ledger()).filter((name) => name === 'unplugged')).toHaveLength(1);
      expect(await rig.logOf(rig.plan.steps[0]?.id ?? '')).toBe(toLines('unplugged', 60));
    });
  },
);
