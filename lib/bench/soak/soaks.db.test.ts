import { describe, expect, it } from 'vitest';
import { checkStarts, createCancelSoak } from './cancel';
import { createFloodSoak, findMedianStepMs } from './flood';
import { createKillsSoak } from './kills';
import { checkNoticed, createLinksSoak } from './links';
import { createPostgresSoak } from './postgres';
import { findLeftBehind } from './reboot';
import type { Soak } from './soak';
import { createStaleSoak } from './stale';

/** Long enough for a worker of a machine that others use too; a lease of the product lasts 10 s. */
const TTL_MS = 3_000;
/** Times belong to `npm run soak` and the bench `takeover`; here only what never ends is late. */
const SLACK_MS = 60_000;

const say = () => undefined;
const run = (soak: Soak, count: number) => soak.run({ count, say });

describe.sequential('soaks, a few trials of each', () => {
  it('kills: at every named moment and at random', async () => {
    expect(await run(createKillsSoak({ ttlMs: TTL_MS, lanes: 2, slackMs: SLACK_MS }), 7)).toEqual([]);
  });

  it('stale: stopped past its lease, in a write, cut off; with right clocks and wrong ones', async () => {
    expect(await run(createStaleSoak({ ttlMs: TTL_MS }), 6)).toEqual([]);
  });

  it('postgres: restarts, lost backends, half-open listeners', async () => {
    const soak = createPostgresSoak({
      ttlMs: TTL_MS,
      everyMs: [1_500, 3_000],
      downMs: [0, 1_500],
      slackMs: SLACK_MS,
    });
    expect(await run(soak, 6)).toEqual([]);
  });

  it('links: five phases, five failures', async () => {
    expect(await run(createLinksSoak({ lanes: 5, slackMs: SLACK_MS }), 5)).toEqual([]);
  });

  it('flood: many lines, one line, no text', async () => {
    const soak = createFloodSoak({ linesMiB: 8, lineMiB: 4, junkMiB: 1, isTimed: false });
    expect(await run(soak, 1)).toEqual([]);
  });

  it('cancel: at random, deaf, uncut, finished, while it ends', async () => {
    expect(await run(createCancelSoak({ lanes: 2, ttlMs: TTL_MS, graceMs: 0 }), 5)).toEqual([]);
  });
});

describe('what the soaks judge by', () => {
  const at = (atMs: number) => ({ seq: 1, epoch: 1n, atMs });
  const failure = { code: 'connection-lost', message: '', nextAction: '' } as const;

  it('is a dead link that nobody notices, or late', () => {
    const lost = { ...at(16_000), body: { type: 'host.lost', nodeId: 'n-0', failure } } as const;
    const record = { events: [lost] };
    expect(checkNoticed(record, 0, 15_000)).toEqual([expect.stringMatching(/I7 .* after 16000 ms/)]);
    expect(checkNoticed(record, 2_000, 15_000)).toEqual([]);
    expect(checkNoticed({ events: [] }, 0, 15_000)).toEqual([expect.stringMatching(/nobody noticed/)]);
  });

  it('is an act that starts after the cancel', () => {
    const asked = { ...at(1_000), body: { type: 'run.cancel-requested', by: 'somebody' } } as const;
    const started = {
      ...at(1_300),
      seq: 2,
      body: { type: 'step.act-started', stepId: 's', attempt: 1 },
    } as const;
    expect(checkStarts({ events: [asked, started] }, 0)).toEqual([
      expect.stringMatching(/I10 event 2 .* 300 ms/),
    ]);
    expect(checkStarts({ events: [asked, started] }, 1_000)).toEqual([]);
    expect(
      checkStarts(
        {
          events: [
            { ...started, seq: 1 },
            { ...asked, seq: 2 },
          ],
        },
        0,
      ),
    ).toEqual([]);
  });

  it('is a file of an act, but for those of a run that ended while its host was away', () => {
    const finished = { type: 'step.finished', stepId: 's', outcome: 'done', outputs: {} } as const;
    const events = [{ ...at(5_000), body: finished }];
    const [own, older] = ['file acts/r2.s.1', 'file acts/r1.s.1'];
    const record = { runId: 'r2', events, leftovers: [own, older] };
    expect(findLeftBehind(record, { fromMs: 4_900, toMs: 9_000 })).toEqual([older]);
    expect(findLeftBehind(record, { fromMs: 1_000, toMs: 4_000 })).toEqual([own, older]);
    expect(findLeftBehind({ ...record, events: [] }, { fromMs: 4_900, toMs: 9_000 })).toEqual([own, older]);
  });

  it('is the time of a step in the middle', () => {
    const events = [10, 500, 30].flatMap((tookMs, index) => {
      const stepId = `s${index}`;
      return [
        { ...at(1_000), body: { type: 'step.started', stepId, attempt: 1 } } as const,
        {
          ...at(1_000 + tookMs),
          body: { type: 'step.finished', stepId, outcome: 'done', outputs: {} },
        } as const,
      ];
    });
    expect(findMedianStepMs({ events })).toBe(30);
  });
});
