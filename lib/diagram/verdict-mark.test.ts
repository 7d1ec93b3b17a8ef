import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeNow, SiteNowBody } from '@/lib/health/site-now';
import { toNodeMark, toSiteMark } from './verdict-mark';

const AT = Date.parse('2026-01-01T00:00:00Z');
function node(values: Partial<NodeNow> = {}): NodeNow {
  return {
    nodeId: 'n-1',
    state: 'healthy',
    reasons: [],
    sampledAt: new Date(AT).toISOString(),
    cpuPercent: null,
    memoryPercent: null,
    diskPercent: null,
    badges: [],
    ...values,
  };
}
function site(nodes: NodeNow[]): SiteNowBody {
  return { intervalS: 5, state: 'healthy', reasons: [], nodes, observedAt: new Date(AT).toISOString() };
}

describe('never green from memory', () => {
  it('a node is healthy only within two intervals of its sample', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10_000_000 }),
        fc.integer({ min: 1, max: 600 }),
        (ageMs, intervalS) => {
          const mark = toNodeMark(node(), intervalS, AT + ageMs);
          expect(mark.ink === 'healthy').toBe(ageMs <= intervalS * 2000);
        },
      ),
    );
  });

  it('says for how long there is no data', () => {
    expect(toNodeMark(node(), 5, AT + 100_000)).toMatchObject({ ink: 'stale', word: 'no data for 1 m 40 s' });
  });

  it('a node without any sample is not healthy, whatever is stored', () => {
    expect(toNodeMark(node({ sampledAt: null }), 5, AT).ink).toBe('stale');
    expect(toNodeMark(undefined, 5, AT).ink).toBe('stale');
  });

  it('a site ages by the newest word from any of its nodes', () => {
    const quiet = { now: site([node()]), appliedRevision: 1, activeRun: null };
    expect(toSiteMark(quiet, AT + 9_000).ink).toBe('healthy');
    expect(toSiteMark(quiet, AT + 11_000)).toMatchObject({ ink: 'stale', word: 'no data for 11 s' });
  });
});

it('shows a run while one is under way, and a site that was never built as such', () => {
  const base = { now: null, appliedRevision: null, activeRun: null };
  expect(toSiteMark({ ...base, activeRun: { steps: 52, stepsDone: 13 } }, AT).word).toBe('step 14 of 52');
  expect(toSiteMark(base, AT).word).toBe('not built yet');
});
