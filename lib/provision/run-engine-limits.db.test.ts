import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { appendRunEvents } from '@/lib/db/run-log';
import type { RunEventBody } from '@/lib/run/run-event';
import { createEngineRig, type EngineRig } from '@/lib/testing/engine-rig';
import { startFakeHost } from '@/lib/testing/fake-host';
import { findTestKind, type TestStep } from '@/lib/testing/ledger-step';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

async function rigOf({ onTestFinished }: TestContext, steps: readonly TestStep[]): Promise<EngineRig> {
  const names = [...new Set(steps.map(({ nodeId }) => nodeId))];
  const fakes = await Promise.all(names.map(() => startFakeHost('s1')));
  onTestFinished(async () => {
    await Promise.all(fakes.map((fake) => fake.stop()));
  });
  const hosts = fakes.map(({ target, root }, at) => ({ nodeId: names[at] ?? '', target, root }));
  return createEngineRig(test.worker, hosts, steps);
}

const step = (name: string, params: Readonly<Record<string, unknown>> = {}, node = 0): TestStep => ({
  nodeId: `n-${node}`,
  params: { name, ...params },
});

function ofType<T extends RunEventBody['type']>(events: readonly RunEventBody[], type: T) {
  return events.filter((event): event is Extract<RunEventBody, { type: T }> => event.type === type);
}

const setState = (rig: EngineRig, at: number, state: string) =>
  test.worker.pool.query('UPDATE run_step SET state = $3 WHERE run_id = $1 AND step_id = $2', [
    rig.runId,
    rig.plan.steps[at]?.id,
    state,
  ]);

describe.concurrent('the log of a run', () => {
  it('is cut at its limit: what comes after is counted and hashed, and the run goes on', async (t) => {
    const rig = await rigOf(t, [step('a', { lines: 2_000 }), step('b')]);
    expect(await rig.execute({ limits: { maxLogBytes: 10_000 } })).toBe('done');
    const [first = '', second = ''] = rig.plan.steps.map(({ id }) => id);
    const whole = Array.from({ length: 2_000 }, (_, n) => `a ${String(n + 1).padStart(6, '0')} line\n`).join(
      '',
    );
    const stored = (await rig.logOf(first)).length;
    expect(stored).toBeLessThanOrEqual(10_000);
    const rest = whole.slice(stored);
    expect(whole.slice(0, stored)).toBe(await rig.logOf(first));
    const [cut] = ofType(await rig.events(), 'step.output-cut');
    expect(cut).toEqual({
      type: 'step.output-cut',
      stepId: first,
      offset: stored,
      bytes: rest.length,
      sha256: createHash('sha256').update(rest).digest('hex'),
    });
    expect(ofType(await rig.events(), 'step.finished').map(({ stepId }) => stepId)).toEqual([first, second]);
  });

  it('keeps to its limit over all attempts of a step', async (t) => {
    const rig = await rigOf(t, [step('a', { lines: 400, exitCode: 4, isForgetful: true })]);
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      expect(await rig.execute({ limits: { maxLogBytes: 10_000 } })).toBe('failed');
      await setState(rig, 0, 'waiting');
      await test.worker.pool.query(`UPDATE run SET state = 'queued' WHERE id = $1`, [rig.runId]);
    }
    const stored = ofType(await rig.events(), 'step.output').map(
      ({ offset, nextOffset }) => nextOffset - offset,
    );
    const storedBytes = stored.reduce((sum, bytes) => sum + bytes, 0);
    expect(storedBytes).toBeGreaterThan(5_000);
    expect(storedBytes).toBeLessThanOrEqual(10_000);
  });

  it('says why a step failed also to who takes over much later', async (t) => {
    const rig = await rigOf(t, [step('a', { exitCode: 4 })]);
    expect(await rig.execute()).toBe('failed');
    const failure = ofType(await rig.events(), 'step.failed')[0]?.failure;
    // As if the worker had died before the end of the run, while another host went on talking.
    await test.worker.pool.query(`UPDATE run SET state = 'running' WHERE id = $1`, [rig.runId]);
    const epoch = await rig.claim();
    const talk: RunEventBody = { type: 'step.reattached', stepId: 'another', offset: 0 };
    const events = Array.from({ length: 1_500 }, () => talk);
    await appendRunEvents(test.worker, { runId: rig.runId, epoch, events });
    expect(await rig.execute({ epoch })).toBe('failed');
    expect((await rig.events()).at(-1)).toEqual({ type: 'run.finished', state: 'failed', failure });
  });
});

describe.concurrent('a link that dies while a step is verified', () => {
  it('does not let the log say twice that it is', async (t) => {
    const fake = await startFakeHost('s1');
    t.onTestFinished(() => fake.stop());
    const hosts = [{ nodeId: 'n-0', target: fake.target, root: fake.root }];
    const rig = await createEngineRig(test.worker, hosts, [step('a', { pauseS: '0.1' })]);
    const findKind = (name: string) => {
      const kind = findTestKind(name);
      return kind && { ...kind, verify: `sleep 1\n${kind.verify}` };
    };
    const ended = rig.execute({ findKind });
    const isVerifying = async () => ofType(await rig.events(), 'step.verifying').length > 0;
    await waitFor(isVerifying, { what: 'the verify', everyMs: 20 });
    fake.link.resetAll();
    expect(await ended).toBe('done');
    const events = await rig.events();
    expect(ofType(events, 'host.back')).toHaveLength(1);
    expect(ofType(events, 'step.verifying')).toHaveLength(1);
    expect(await rig.ledgerOf('n-0')).toEqual(['a']);
  });
});

describe.concurrent('a run of which not everything is to be done', () => {
  it('leaves the steps of other hosts as they are', async (t) => {
    const rig = await rigOf(t, [step('a'), step('b', {}, 1)]);
    await setState(rig, 1, 'failed');
    expect(await rig.execute({ onlyNodeId: 'n-0' })).toBe('failed');
    expect(await rig.ledgerOf('n-0')).toEqual(['a']);
    expect(await rig.ledgerOf('n-1')).toEqual([]);
    expect((await rig.rows()).map(({ state }) => state)).toEqual(['done', 'failed']);
  });

  it('is not done while steps of other hosts wait', async (t) => {
    const rig = await rigOf(t, [step('a'), step('b', {}, 1)]);
    expect(await rig.execute({ onlyNodeId: 'n-0' })).toBe('cancelled');
    expect((await rig.rows()).map(({ state }) => state)).toEqual(['done', 'waiting']);
  });

  it('takes a skipped step for over and never starts it', async (t) => {
    const rig = await rigOf(t, [step('a'), step('b'), step('c')]);
    await setState(rig, 1, 'skipped');
    expect(await rig.execute()).toBe('done');
    expect(await rig.ledgerOf('n-0')).toEqual(['a', 'c']);
    expect((await rig.rows()).map(({ state }) => state)).toEqual(['done', 'skipped', 'done']);
  });
});

describe.concurrent('a cancel', () => {
  it('that has to wait for a step says so, once, and why', async (t) => {
    let isCancelled = false;
    const uncut = { ...step('uncut', { lines: 8, pauseS: '0.1' }), kind: 'test.ledger-uncut' };
    const rig = await rigOf(t, [uncut, step('next')]);
    const ended = rig.execute({ isCancelRequested: () => isCancelled });
    await waitFor(async () => ofType(await rig.events(), 'step.output').length > 0, { what: 'output' });
    isCancelled = true;
    expect(await ended).toBe('cancelled');
    expect(ofType(await rig.events(), 'step.cancel-deferred')).toEqual([
      { type: 'step.cancel-deferred', stepId: rig.plan.steps[0]?.id, reason: 'it must not be cut' },
    ]);
    expect((await rig.rows()).map(({ state }) => state)).toEqual(['done', 'waiting']);
  });
});

describe.concurrent('an error of the database that would come again for ever', () => {
  it('ends the engine and is heard of, it is not repeated', async (t) => {
    const rig = await rigOf(t, [step('a')]);
    let refused = 0;
    const pool = new Proxy(test.worker.pool, {
      get: (target, key) => {
        const own: unknown = Reflect.get(target, key);
        if (key !== 'connect') return typeof own === 'function' ? own.bind(target) : own;
        return async () => {
          const client = await target.connect();
          const query = (text: string, values?: unknown[]) => {
            if (!text.includes('INSERT INTO run_event')) return client.query(text, values);
            refused += 1;
            return Promise.reject(Object.assign(new Error('no such column'), { code: '42703' }));
          };
          return new Proxy(client, {
            get: (inner, name) => {
              if (name === 'query') return query;
              const member: unknown = Reflect.get(inner, name);
              return typeof member === 'function' ? member.bind(inner) : member;
            },
          });
        };
      },
    });
    const heard: unknown[] = [];
    const ended = rig.execute({ db: { pool }, onError: (error) => heard.push(error) });
    await expect(ended).rejects.toThrow('no such column');
    expect(refused).toBe(1);
    expect(heard).toMatchObject([{ message: 'no such column' }]);
  });
});
