import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SecretId } from '@/lib/core/ids';
import { toSecretSlot } from '@/lib/render/secret-slot';
import { STALE_EXIT_CODE } from '@/lib/testing/engine-child-input';
import { createEngineRig, type EngineRig, type RigHost } from '@/lib/testing/engine-rig';
import { startFakeHost } from '@/lib/testing/fake-host';
import type { TestStep } from '@/lib/testing/ledger-step';
import {
  driveEachStepTwice,
  driveFailureAtEachStep,
  driveKillAtEachStep,
  type PlanUnderTest,
} from '@/lib/testing/plan-drivers';
import { buildEngineProcess, type EngineProcesses } from '@/lib/testing/spawn-engine';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';

/** Kills at different moments; `npm run soak` takes more of them. */
const KILLS = 6;

let test: TestDatabase;
let engines: EngineProcesses;
beforeAll(async () => {
  test = await createTestDatabase();
  engines = await buildEngineProcess();
});
afterAll(async () => {
  await engines.remove();
  await test.drop();
});

async function makeHosts(count: number) {
  const fakes = await Promise.all(
    Array.from({ length: count }, (_, index) => startFakeHost(`s${index + 1}`)),
  );
  const hosts = fakes.map(({ target, root }, index): RigHost => ({ nodeId: `n-${index}`, target, root }));
  const stop = async () => {
    await Promise.all(fakes.map((fake) => fake.stop()));
  };
  return { hosts, fakes, stop };
}

async function spawnEngine(rig: EngineRig) {
  const { runId, plan, hosts } = rig;
  const epoch = (await rig.claim()).toString();
  return engines.spawn({ databaseUrl: test.urlFor('siteplan_worker'), runId, epoch, plan, hosts });
}

function toLines(name: string, count: number): string {
  return Array.from({ length: count }, (_, at) => `${name} ${String(at + 1).padStart(6, '0')} line\n`).join(
    '',
  );
}

const LINES = 12;
const STEPS: TestStep[] = ['a', 'b', 'c'].map((name) => ({
  nodeId: 'n-0',
  params: { name, lines: LINES, pauseS: '0.02' },
}));

describe.concurrent('an engine that is killed', () => {
  const trials = Array.from({ length: KILLS }, (_, trial) => trial);

  it.for(trials)(
    'at moment %i leaves a run that others finish: each act and each line once',
    async (trial) => {
      const { hosts, stop } = await makeHosts(1);
      try {
        const rig = await createEngineRig(test.worker, hosts, STEPS);
        const first = await spawnEngine(rig);
        // Spread over the run by what is in the log, which needs no clock: 1, 4, 7 ... events.
        const events = 1 + trial * 3;
        await waitFor(async () => (await rig.events()).length > events, {
          what: `${events} events`,
          everyMs: 2,
        });
        first.child.kill('SIGKILL');
        await first.ended;
        // Two come at once; the one with the older epoch must stop without having changed anything.
        const [older, newer] = [await spawnEngine(rig), await spawnEngine(rig)];
        const [lost, won] = await Promise.all([older.ended, newer.ended]);
        expect(lost).toMatchObject({ code: STALE_EXIT_CODE });
        expect(won).toMatchObject({ code: 0, state: 'done' });
        expect(await rig.ledgerOf('n-0')).toEqual(['a', 'b', 'c']);
        for (const [index, { id }] of rig.plan.steps.entries()) {
          expect(await rig.logOf(id)).toBe(toLines('abc'.charAt(index), LINES));
        }
      } finally {
        await stop();
      }
    },
  );

  it('mid act leaves an act that goes on by itself, whose journal is the log byte for byte', async () => {
    const { hosts, fakes, stop } = await makeHosts(1);
    try {
      const steps = [{ nodeId: 'n-0', params: { name: 'long', lines: 40, pauseS: '0.05' } }];
      const rig = await createEngineRig(test.worker, hosts, steps);
      const engine = await spawnEngine(rig);
      await waitFor(async () => (await rig.events()).some(({ type }) => type === 'step.output'), {
        what: 'output',
      });
      engine.child.kill('SIGKILL');
      await engine.ended;
      const acts = join(fakes[0]?.root ?? '', 'var/lib/siteplan-host/acts');
      const [act = ''] = await readdir(acts);
      const exit = await waitFor(() => readFile(join(acts, act, 'exit'), 'utf8'), {
        what: 'the act to end alone',
      });
      expect(exit).toBe('0 exit\n');
      const journal = await readFile(join(acts, act, 'journal'), 'utf8');
      expect(await rig.execute()).toBe('done');
      expect(await rig.logOf(rig.plan.steps[0]?.id ?? '')).toBe(journal);
      expect(await readdir(acts)).toEqual([]);
    } finally {
      await stop();
    }
  });
});

describe.concurrent('an engine that is killed after the last step of a host', () => {
  it('leaves hosts clean that the next engine has nothing to do on', async () => {
    const { hosts, fakes, stop } = await makeHosts(2);
    try {
      const steps = [
        { nodeId: 'n-0', params: { name: 'before' } },
        { nodeId: 'n-1', params: { name: 'after', lines: 40, pauseS: '0.05' }, dependsOn: [0] },
      ];
      const rig = await createEngineRig(test.worker, hosts, steps);
      const engine = await spawnEngine(rig);
      await waitFor(async () => (await rig.events()).some(({ type }) => type === 'step.output'), {
        what: 'output',
      });
      await waitFor(async () => (await rig.rows()).some(({ state }) => state === 'done'), {
        what: 'the end of the first step',
      });
      engine.child.kill('SIGKILL');
      await engine.ended;
      const actsOf = (at: number) => readdir(join(fakes[at]?.root ?? '', 'var/lib/siteplan-host/acts'));
      expect(await actsOf(0)).toHaveLength(1);
      expect(await rig.execute()).toBe('done');
      expect([await actsOf(0), await actsOf(1)]).toEqual([[], []]);
    } finally {
      await stop();
    }
  });
});

describe.concurrent('an engine that is stopped past its lease', () => {
  it('wakes up, changes nothing and leaves by itself', async () => {
    const { hosts, stop } = await makeHosts(1);
    try {
      const rig = await createEngineRig(test.worker, hosts, STEPS.slice(0, 2));
      const sleeper = await spawnEngine(rig);
      await waitFor(async () => (await rig.events()).some(({ type }) => type === 'step.output'), {
        what: 'output',
      });
      sleeper.child.kill('SIGSTOP');
      expect(await rig.execute()).toBe('done');
      const events = (await rig.events()).length;
      sleeper.child.kill('SIGCONT');
      expect(await sleeper.ended).toMatchObject({ code: STALE_EXIT_CODE, stderr: '' });
      expect((await rig.events()).length).toBe(events);
      expect(await rig.ledgerOf('n-0')).toEqual(['a', 'b']);
    } finally {
      await stop();
    }
  });
});

describe.concurrent('an engine in a flood', () => {
  it('of 40 MB keeps every byte and little of it in memory', async () => {
    const { hosts, stop } = await makeHosts(1);
    const peakMiB = async (pid: number) => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
    };
    try {
      const params = { name: 'flood', lines: 100_000, text: 'x'.repeat(400) };
      const after = { name: 'after', lines: 20, pauseS: '0.05' };
      // A first, smaller one: what a process takes once and keeps is no growth.
      const steps = [{ ...params, name: 'first', lines: 15_000 }, params, after].map((each) => ({
        nodeId: 'n-0',
        params: each,
      }));
      const rig = await createEngineRig(test.worker, hosts, steps);
      const [, flood = '', next = ''] = rig.plan.steps.map(({ id }) => id);
      const engine = await spawnEngine(rig);
      const pid = engine.child.pid ?? 0;
      const isActing = async (stepId: string) =>
        (await rig.rows()).find((row) => row.stepId === stepId)?.state === 'acting';
      await waitFor(() => isActing(flood), { what: 'the flood to begin', everyMs: 2 });
      const before = await peakMiB(pid);
      await waitFor(() => isActing(next), { what: 'the flood to end', timeoutMs: 25_000 });
      expect((await peakMiB(pid)) - before).toBeLessThan(64);
      expect(await engine.ended).toMatchObject({ code: 0, state: 'done' });
      const { rows } = await test.worker.pool.query<{ bytes: string }>(
        `SELECT sum((body::json->>'nextOffset')::int - (body::json->>'offset')::int)::text AS bytes
           FROM run_event WHERE run_id = $1 AND step_id = $2 AND type = 'step.output'`,
        [rig.runId, flood],
      );
      expect(Number(rows[0]?.bytes)).toBe(100_000 * 'flood 000001 \n'.length + 100_000 * 400);
    } finally {
      await stop();
    }
  });
});

describe.concurrent('the drivers over a plan of files', () => {
  const { username } = userInfo();
  const ref = { id: SecretId.parse('token'), version: 1 };
  const put = (nodeId: string, path: string, content: string, mode = '0644'): TestStep => ({
    nodeId,
    kind: 'file.put',
    params: {
      path,
      mode,
      owner: username,
      group: username,
      content,
      secrets: content.includes('⟦') ? [ref] : [],
      dropsStamps: [],
    },
  });
  const steps = [
    put('n-0', '/etc/one.conf', 'one\n'),
    put('n-1', '/etc/two.conf', `token: ${toSecretSlot(ref)}\n`, '0600'),
    put('n-0', '/etc/deep/er/three.conf', 'three\n'),
  ];
  const plan = (): PlanUnderTest => ({
    db: test.worker,
    databaseUrl: test.urlFor('siteplan_worker'),
    steps,
    makeHosts: () => makeHosts(2),
    snapshot: (hosts) =>
      Promise.all(
        steps.map(async ({ nodeId, params }) => {
          const root = hosts.find((host) => host.nodeId === nodeId)?.root ?? '';
          return [params['path'], await readFile(join(root, String(params['path'])), 'utf8')];
        }),
      ),
    secrets: { token: 'canary-0123456789' },
  });

  it('each step twice is as good as once', async () => {
    expect(await driveEachStepTwice(plan())).toEqual([]);
  });

  it('a failure at each step, before and after its work, is made good by a retry', async () => {
    expect(await driveFailureAtEachStep(plan())).toEqual([]);
  });

  it('a kill at each step is made good by the next engine', async () => {
    expect(await driveKillAtEachStep(plan(), engines)).toEqual([]);
  });
});
