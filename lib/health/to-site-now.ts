import type { Failure } from '@/lib/core/failure';
import { toDurationText } from '@/lib/core/duration';
import type { NodeId } from '@/lib/core/ids';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import type { Sample } from './sample';
import type { NodeNow, SiteNowBody } from './site-now';
import { toSiteVerdict } from './site-verdict';
import { MISSED_INTERVALS, toVerdict } from './verdict';

export interface SiteReadings {
  readonly topology: Topology;
  /** The newest sample per node, and why nothing comes where nothing comes. */
  readonly readings: ReadonlyMap<
    NodeId,
    { readonly sample: Sample | null; readonly failure: Failure | null }
  >;
  readonly nowMs: number;
  /** When the watching began; before the second interval is over a silent node is only not read yet. */
  readonly startedAtMs: number;
  readonly intervalS: number;
}

/** What is known of a site at `nowMs`, as it is stored and sent. */
export function toSiteNow({ topology, readings, nowMs, startedAtMs, intervalS }: SiteReadings): SiteNowBody {
  const judged = topology.nodes.map((node) => {
    const { sample, failure } = readings.get(node.id) ?? { sample: null, failure: null };
    const silentMs = nowMs - startedAtMs;
    const isLate = !sample && failure === null && silentMs > 2 * intervalS * 1_000;
    const words = failure?.message ?? (isLate ? `no answer for ${toDurationText(silentMs)}` : undefined);
    const verdict = toVerdict(node, sample, nowMs, { intervalS, failure: words });
    return { node, sample, verdict };
  });
  const site = toSiteVerdict(
    judged.map(({ node, verdict }) => ({ name: node.name, role: node.role, verdict })),
  );
  return {
    intervalS,
    state: site.state,
    reasons: [...site.reasons],
    observedAt: new Date(nowMs).toISOString(),
    nodes: judged.map(({ node, sample, verdict }): NodeNow => {
      // What an old sample said is no longer true, so it is not shown as if it were.
      const isFresh = sample !== null && nowMs - sample.receivedAtMs <= MISSED_INTERVALS * intervalS * 1_000;
      const fresh = isFresh ? sample : null;
      return {
        nodeId: node.id,
        state: verdict.state,
        reasons: [...verdict.reasons],
        sampledAt: sample ? new Date(sample.receivedAtMs).toISOString() : null,
        cpuPercent: fresh?.cpuPercent ?? null,
        memoryPercent: fresh?.memoryPercent ?? null,
        diskPercent: fresh?.diskPercent ?? null,
        badges: fresh ? toBadges(node, fresh, nowMs) : [],
      };
    }),
  };
}

/** RKE2 renews what ends within 120 days at its start (RKE2 docs security/certificates): worth a word before it warns. */
const CERTIFICATE_DUE_MS = 120 * 86_400_000;

function toBadges(node: TopologyNode, sample: Sample, nowMs: number): string[] {
  const badges: string[] = [];
  if (node.role === 'server' && sample.etcdIsLeader === true) badges.push('etcd leader');
  if (sample.certificateEndS !== null) {
    const leftMs = sample.certificateEndS * 1_000 - nowMs;
    if (leftMs < CERTIFICATE_DUE_MS) badges.push(`certificate due in ${toDurationText(leftMs)}`);
  }
  return badges;
}
