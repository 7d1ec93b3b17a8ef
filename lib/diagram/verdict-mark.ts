import { toDurationText } from '@/lib/core/duration';
import type { NodeNow, SiteNowBody, VerdictState } from '@/lib/health/site-now';
import type { StateMark } from '@/lib/core/state-mark';

const MARKS: Readonly<Record<VerdictState, StateMark>> = {
  healthy: { ink: 'healthy', shape: 'circle', word: 'healthy' },
  degraded: { ink: 'degraded', shape: 'triangle', word: 'degraded' },
  down: { ink: 'down', shape: 'square-bar', word: 'down' },
  stale: { ink: 'stale', shape: 'dashed-ring', word: 'no data' },
  provisioning: { ink: 'provisioning', shape: 'half-circle', word: 'provisioning', turns: true },
};

/** The mark of a verdict that is fresh. */
export function toVerdictMark(state: VerdictState): StateMark {
  return MARKS[state];
}

/**
 * The mark of a node as of `nowMs`: never green from memory. After two missed intervals the verdict is stale, and the
 * word says for how long there is no data.
 */
export function toNodeMark(node: NodeNow | undefined, intervalS: number, nowMs: number): StateMark {
  if (!node?.sampledAt)
    return node && node.state !== 'healthy' ? MARKS[node.state] : { ...MARKS.stale, word: 'no data yet' };
  return toAgedMark(node.state, Date.parse(node.sampledAt), intervalS, nowMs);
}

interface SiteState {
  readonly now: SiteNowBody | null;
  readonly appliedRevision: number | null;
  readonly activeRun: { readonly steps: number; readonly stepsDone: number } | null;
}

/** The mark of a site: its run while one is under way, else its verdict as of `nowMs`. */
export function toSiteMark(site: SiteState, nowMs: number): StateMark {
  if (site.activeRun) {
    const { steps, stepsDone } = site.activeRun;
    return { ...MARKS.provisioning, word: `step ${Math.min(steps, stepsDone + 1)} of ${steps}` };
  }
  if (!site.now) {
    const word = site.appliedRevision === null ? 'not built yet' : 'no data yet';
    return { ink: 'ink-soft', shape: site.appliedRevision === null ? 'ring' : 'dashed-ring', word };
  }
  return toAgedMark(site.now.state, toDataTimeMs(site.now), site.now.intervalS, nowMs);
}

/** When the site was last heard: the newest sample of any node, or when the verdict was written. Milliseconds. */
export function toDataTimeMs(now: SiteNowBody): number {
  const samples = now.nodes.flatMap((node) => (node.sampledAt === null ? [] : [Date.parse(node.sampledAt)]));
  return samples.length > 0 ? Math.max(...samples) : Date.parse(now.observedAt);
}

function toAgedMark(state: VerdictState, atMs: number, intervalS: number, nowMs: number): StateMark {
  const ageMs = nowMs - atMs;
  const isStale = state === 'stale' || (state !== 'provisioning' && ageMs > 2 * intervalS * 1000);
  return isStale ? { ...MARKS.stale, word: `no data for ${toDurationText(ageMs)}` } : MARKS[state];
}
