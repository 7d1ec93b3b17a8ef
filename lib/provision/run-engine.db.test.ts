import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { SecretId } from '@/lib/core/ids';
import { StaleEpochError } from '@/lib/db/errors';
import { toSecretSlot } from '@/lib/render/secret-slot';
import type { RunEventBody } from '@/lib/run/run-event';
import { connectHost } from '@/lib/ssh/connect-host';
import { createEngineRig, RIG_INSTALLATION, RIG_POLICY, type EngineRig } from '@/lib/testing/engine-rig';
import { startFakeHost, type FakeHost } from '@/lib/testing/fake-host';
import type { TestStep } from '@/lib/testing/ledger-step';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import { prepareRunner } from './host-runner';
import { createRedaction } from './redact';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

async function rigOf(
  { onTestFinished }: TestContext,
  names: readonly string[],
  steps: readonly TestStep[],
): Promise<EngineRig & { fakes: FakeHost[] }> {
  const fakes = await Promise.all(names.map(startFakeHost));
  onTestFinished(async () => {
    await Promise.all(fakes.map((fake) => fake.stop()));
  });
  const rigHosts = fakes.map((fake, index) => ({
    nodeId: `n-${index}`,
    target: fake.target,
    root: fake.root,
  }));
  return { ...(await createEngineRig(test.worker, rigHosts, steps)), fakes };
}

const step = (name: string, params: Readonly<Record<string, unknown>> = {}, node = 0): TestStep => ({
  nodeId: `n-${node}`,
  params: { name, ...params },
});

function toLines(name: string, count: number, text = 'line'): string {
  return Array.from(
    { length: count },
    (_, at) => `${name} ${String(at + 1).padStart(6, '0')} ${text}\n`,
  ).join('');
}

function ofType<T extends RunEventBody['type']>(events: readonly RunEventBody[], type: T) {
  return events.filter((event): event is Extract<RunEventBody, { type: T }> => event.type === type);
}

async function untilOutput(rig: EngineRig): Promise<void> {
  await waitFor(async () => ofType(await rig.events(), 'step.output').length > 0, {
    what: 'output of an act',
  });
}

const stepIdOf = (rig: EngineRig, index: number) => rig.plan.steps[index]?.id ?? '';

describe.concurrent('a run', () => {
  it('takes each step once, in order, and logs what the hosts printed', async (t) => {
    const rig = await rigOf(
      t,
      ['s1', 's2'],
      [step('a'), step('b', {}, 1), step('c'), step('d', { lines: 0 }, 1)],
    );
    expect(await rig.execute()).toBe('done');
    expect(await rig.ledgerOf('n-0')).toEqual(['a', 'c']);
    expect(await rig.ledgerOf('n-1')).toEqual(['b', 'd']);
    expect(await rig.logOf(stepIdOf(rig, 2))).toBe(toLines('c', 3));
    const events = await rig.events();
    expect(ofType(events, 'step.finished').map(({ outcome, outputs }) => [outcome, outputs['name']])).toEqual(
      expect.arrayContaining(['a', 'b', 'c', 'd'].map((name) => ['done', name])),
    );
    expect(events.at(-1)).toEqual({ type: 'run.finished', state: 'done', failure: null });
    expect((await rig.rows()).every(({ state }) => state === 'done')).toBe(true);
    await expect(stat(join(rig.fakes[0]?.root ?? '', 'var/lib/siteplan-host/acts', 'x'))).rejects.toThrow(
      'ENOENT',
    );
  });

  it('waits for what a step depends on, also on another host', async (t) => {
    const steps = [step('first', { lines: 2, pauseS: '0.2' }), { ...step('second', {}, 1), dependsOn: [0] }];
    const rig = await rigOf(t, ['s1', 's2'], steps);
    await rig.execute();
    const order = (await rig.events()).flatMap((event) =>
      event.type === 'step.started' || event.type === 'step.finished'
        ? [`${event.type} ${event.stepId}`]
        : [],
    );
    const [first, second] = [stepIdOf(rig, 0), stepIdOf(rig, 1)];
    expect(order).toEqual([
      `step.started ${first}`,
      `step.finished ${first}`,
      `step.started ${second}`,
      `step.finished ${second}`,
    ]);
  });

  it('finds what is already so and leaves it alone', async (t) => {
    const rig = await rigOf(t, ['s1'], [step('a')]);
    await rig.execute();
    const again = await createEngineRig(test.worker, rig.hosts, [step('a')]);
    expect(await again.execute()).toBe('done');
    expect(ofType(await again.events(), 'step.finished')[0]).toMatchObject({
      outcome: 'already-so',
      outputs: { name: 'a' },
    });
    expect(await again.ledgerOf('n-0')).toEqual(['a']);
  });

  it('stops at a failing step, with its last words as the cause', async (t) => {
    const rig = await rigOf(t, ['s1'], [step('a', { exitCode: 4, text: 'cannot go on' }), step('b')]);
    expect(await rig.execute()).toBe('failed');
    const failed = ofType(await rig.events(), 'step.failed')[0];
    expect(failed?.failure).toEqual({
      code: 'step-exit',
      message: 'On s1, "Note a" failed with exit code 4; the last line says: a 000003 cannot go on',
      nextAction: 'Look into the log of the step, correct the cause on the host, then retry.',
    });
    expect((await rig.rows()).map(({ state }) => state)).toEqual(['failed', 'waiting']);
    expect(await rig.ledgerOf('n-0')).toEqual(['a']);
  });

  it('stops where an act left nothing that its verify can see', async (t) => {
    const rig = await rigOf(t, ['s1'], [step('a', { isForgetful: true })]);
    expect(await rig.execute()).toBe('failed');
    expect(ofType(await rig.events(), 'step.failed')[0]?.failure).toMatchObject({
      code: 'verify-failed',
      message: 'On s1, "Note a" ended, but its effect is not there: a left no trace.',
    });
  });

  it('fills secrets on the host only, and never lets one into the log', async (t) => {
    const canary = 'canary-K3y-0f-th3-t0k3n';
    const ref = { id: SecretId.parse('token'), version: 2 };
    const { username } = userInfo();
    const put = {
      nodeId: 'n-0',
      kind: 'file.put',
      params: {
        path: '/etc/config.yaml',
        mode: '0600',
        owner: username,
        group: username,
        content: `token: ${toSecretSlot(ref)}\n`,
        secrets: [ref],
        dropsStamps: [],
      },
    };
    const rig = await rigOf(t, ['s1'], [put, step('prints', { text: `says ${canary} aloud`, exitCode: 1 })]);
    const options = { redaction: createRedaction([canary]), secretValue: () => canary };
    expect(await rig.execute(options)).toBe('failed');
    expect(await readFile(join(rig.fakes[0]?.root ?? '', 'etc/config.yaml'), 'utf8')).toBe(
      `token: ${canary}\n`,
    );
    const { rows } = await test.worker.pool.query('SELECT * FROM run_event');
    expect(JSON.stringify(rows)).not.toContain(canary);
    expect(await rig.logOf(stepIdOf(rig, 1))).toContain('says [redacted] aloud');
  });

  it('does not begin without a secret that a step needs', async (t) => {
    const ref = { id: SecretId.parse('gone'), version: 1 };
    const content = toSecretSlot(ref);
    const params = {
      path: '/etc/x',
      mode: '0600',
      owner: 'root',
      group: 'root',
      content,
      secrets: [ref],
      dropsStamps: [],
    };
    const rig = await rigOf(t, ['s1'], [{ nodeId: 'n-0', kind: 'file.put', params }]);
    expect(await rig.execute()).toBe('failed');
    expect(ofType(await rig.events(), 'step.failed')[0]?.failure.code).toBe('secret-unavailable');
  });

  it('shows what an act prints while it goes on', async (t) => {
    const rig = await rigOf(t, ['s1'], [step('slow', { lines: 40, pauseS: '0.1' })]);
    const ended = rig.execute();
    await waitFor(async () => (await rig.events()).some(({ type }) => type === 'step.output'), {
      what: 'the first output',
    });
    expect((await rig.events()).some(({ type }) => type === 'step.finished')).toBe(false);
    expect(await ended).toBe('done');
  });

  it('keeps a flood whole and in order', async (t) => {
    const count = 60_000;
    const text = 'x'.repeat(80);
    const rig = await rigOf(t, ['s1'], [step('flood', { lines: count, text })]);
    expect(await rig.execute()).toBe('done');
    expect(await rig.logOf(stepIdOf(rig, 0))).toBe(toLines('flood', count, text));
  });
});

describe.concurrent('a cancel', () => {
  it('ends the act with its processes, and nothing new starts', async (t) => {
    let isCancelled = false;
    const rig = await rigOf(t, ['s1'], [step('long', { lines: 200, pauseS: '0.1' }), step('next')]);
    const ended = rig.execute({ isCancelRequested: () => isCancelled });
    await untilOutput(rig);
    isCancelled = true;
    expect(await ended).toBe('cancelled');
    expect((await rig.rows()).map(({ state }) => state)).toEqual(['cancelled', 'waiting']);
    expect(ofType(await rig.events(), 'run.finished')).toEqual([
      { type: 'run.finished', state: 'cancelled', failure: null },
    ]);
    await waitFor(async () => (await rig.fakes[0]?.processes())?.length === 0, {
      what: 'the host to be quiet',
    });
    expect(await rig.ledgerOf('n-0')).toEqual(['long']);
  });

  it('waits for a step that must not be cut', async (t) => {
    let isCancelled = false;
    const uncut = { ...step('uncut', { lines: 8, pauseS: '0.1' }), kind: 'test.ledger-uncut' };
    const rig = await rigOf(t, ['s1'], [uncut, step('next')]);
    const ended = rig.execute({ isCancelRequested: () => isCancelled });
    await untilOutput(rig);
    isCancelled = true;
    expect(await ended).toBe('cancelled');
    expect((await rig.rows()).map(({ state }) => state)).toEqual(['done', 'waiting']);
    expect(await rig.logOf(stepIdOf(rig, 0))).toBe(toLines('uncut', 8));
  });

  it('before the first step starts nothing; after the last it is too late', async (t) => {
    const rig = await rigOf(t, ['s1'], [step('a')]);
    expect(await rig.execute({ isCancelRequested: () => true })).toBe('cancelled');
    expect(await rig.ledgerOf('n-0')).toEqual([]);
    const late = await createEngineRig(test.worker, rig.hosts, [
      { ...step('b', { lines: 2 }), kind: 'test.ledger-uncut' },
    ]);
    let isCancelled = false;
    const ended = late.execute({ isCancelRequested: () => isCancelled });
    await untilOutput(late);
    isCancelled = true;
    expect(await ended).toBe('done');
  });
});

describe.concurrent('a link that dies', () => {
  it('in the middle of a step is noticed, and the act is followed again from its byte', async (t) => {
    const rig = await rigOf(t, ['s1-hangs-mid-step'], [step('a', { lines: 30, pauseS: '0.1' }), step('b')]);
    expect(await rig.execute()).toBe('done');
    const events = await rig.events();
    expect(ofType(events, 'host.lost')[0]?.failure.code).toBe('connection-lost');
    expect(ofType(events, 'host.back')[0]).toMatchObject({ rebooted: false });
    expect(ofType(events, 'step.reattached').length).toBeGreaterThan(0);
    expect(await rig.ledgerOf('n-0')).toEqual(['a', 'b']);
    expect(await rig.logOf(stepIdOf(rig, 0))).toBe(toLines('a', 30));
  });

  it('again and again costs time and nothing else', async (t) => {
    const rig = await rigOf(t, ['s1'], [step('a', { lines: 40, pauseS: '0.1' })]);
    const ended = rig.execute();
    for (let loss = 0; loss < 3; loss += 1) {
      const before = ofType(await rig.events(), 'step.output').length;
      await waitFor(async () => ofType(await rig.events(), 'step.output').length > before, {
        what: 'more output',
      });
      rig.fakes[0]?.link.resetAll();
    }
    expect(await ended).toBe('done');
    expect(await rig.logOf(stepIdOf(rig, 0))).toBe(toLines('a', 40));
    expect(await rig.ledgerOf('n-0')).toEqual(['a']);
  });

  it('for good leaves the run unreachable, and the retried step takes up what still runs', async (t) => {
    const rig = await rigOf(t, ['s1'], [step('a', { lines: 80, pauseS: '0.1' })]);
    const ended = rig.execute({ limits: { outageMs: 1_000 } });
    await untilOutput(rig);
    rig.fakes[0]?.link.blackHole();
    expect(await ended).toBe('unreachable');
    expect((await rig.events()).at(-1)).toMatchObject({
      state: 'unreachable',
      failure: { nextAction: expect.any(String) },
    });
    rig.fakes[0]?.link.heal();
    await test.worker.pool.query(`UPDATE run_step SET state = 'waiting' WHERE run_id = $1`, [rig.runId]);
    await test.worker.pool.query(`UPDATE run SET state = 'queued' WHERE id = $1`, [rig.runId]);
    expect(await rig.execute()).toBe('done');
    expect(await rig.ledgerOf('n-0')).toEqual(['a']);
    expect(await rig.logOf(stepIdOf(rig, 0))).toBe(toLines('a', 80));
  });

  it('to a host that never answers ends unreachable; to a changed key, with a person', async (t) => {
    const dark = await rigOf(t, ['s1-black-hole'], [step('a')]);
    expect(await dark.execute({ limits: { firstContactMs: 10 } })).toBe('unreachable');
    const changed = await rigOf(t, ['s1-changed-key'], [step('a')]);
    expect(await changed.execute()).toBe('needs-attention');
    expect(changed.fakes[0]?.authRequests()).toBe(0);
    expect((await changed.events()).at(-1)).toMatchObject({ failure: { code: 'host-key-changed' } });
  });
});

describe.concurrent('a reboot', () => {
  it('in the middle of a step is seen, and the probe decides what is left to do', async (t) => {
    const rig = await rigOf(t, ['s1'], [step('a', { lines: 20, pauseS: '0.1' }), step('b')]);
    const ended = rig.execute();
    await untilOutput(rig);
    await rig.fakes[0]?.reboot();
    expect(await ended).toBe('done');
    const events = await rig.events();
    expect(ofType(events, 'host.back')[0]).toMatchObject({ rebooted: true });
    expect(ofType(events, 'step.act-started').map(({ attempt }) => attempt)).toEqual([1, 2, 1]);
    expect(await rig.ledgerOf('n-0')).toEqual(['a', 'a', 'b']);
    expect(await rig.logOf(stepIdOf(rig, 0))).toBe(toLines('a', 20));
  });
});

describe.concurrent('fences', () => {
  it('stop a worker whose run was taken over: it changes nothing more and leaves', async (t) => {
    const rig = await rigOf(t, ['s1'], [step('a', { lines: 20, pauseS: '0.1' }), step('b')]);
    const old = rig.execute();
    await untilOutput(rig);
    const epoch = await rig.claim();
    const outcome = old.then(
      () => 'finished',
      (error: unknown) => error,
    );
    expect(await rig.execute({ epoch })).toBe('done');
    expect(await outcome).toBeInstanceOf(StaleEpochError);
    expect(await rig.ledgerOf('n-0')).toEqual(['a', 'b']);
    expect(await rig.logOf(stepIdOf(rig, 0))).toBe(toLines('a', 20));
    expect(ofType(await rig.events(), 'run.finished')).toHaveLength(1);
  });

  const FOREIGN = { installationId: 'another-installation', epoch: 1n };
  const AHEAD = { installationId: RIG_INSTALLATION, epoch: 1_000_000_000n };
  it.for([
    ['foreign-installation', FOREIGN],
    ['stale-epoch', AHEAD],
  ] as const)('on the host that say %s need a person', async ([code, identity], t) => {
    const rig = await rigOf(t, ['s1'], [step('a')]);
    const [fake] = rig.fakes;
    if (!fake) throw new Error('no host');
    const connection = await connectHost(fake.target, { policy: RIG_POLICY });
    await prepareRunner(connection, connection.openShell(), { ...identity, root: fake.root });
    connection.close();
    expect(await rig.execute()).toBe('needs-attention');
    expect((await rig.events()).at(-1)).toMatchObject({ failure: { code } });
    expect(await rig.ledgerOf('n-0')).toEqual([]);
  });

  it('let go of everything when the signal fires; the act goes on and the next worker takes it up', async (t) => {
    const rig = await rigOf(t, ['s1'], [step('a', { lines: 15, pauseS: '0.1' })]);
    const stop = new AbortController();
    const ended = rig.execute({ signal: stop.signal });
    await untilOutput(rig);
    stop.abort(new Error('lease lost'));
    await expect(ended).rejects.toThrow('lease lost');
    expect(await rig.execute()).toBe('done');
    expect(ofType(await rig.events(), 'step.reattached')).toHaveLength(1);
    expect(await rig.logOf(stepIdOf(rig, 0))).toBe(toLines('a', 15));
    expect(await rig.ledgerOf('n-0')).toEqual(['a']);
  });
});
