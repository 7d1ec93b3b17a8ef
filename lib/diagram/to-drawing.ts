import { toDurationText } from '@/lib/core/duration';
import type { SiteNowBody } from '@/lib/health/site-now';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import type { Drawing, DrawnNode } from './drawing';
import { toDataTimeMs, toNodeMark, toSiteMark } from './verdict-mark';

export interface DrawnSite {
  readonly name: string;
  readonly topology: Topology;
  readonly revision: number;
  readonly appliedRevision: number | null;
  readonly drawnBy: string;
  /** Day of the revision, `2026-11-22`. */
  readonly date: string;
  readonly now: SiteNowBody | null;
  readonly activeRun: { readonly steps: number; readonly stepsDone: number } | null;
}

/** A stored topology with what is known of it at `nowMs` (milliseconds of the server's clock) as a drawing. */
export function toDrawing(site: DrawnSite, nowMs: number): Drawing {
  const { topology, now } = site;
  return {
    pattern: topology.pattern,
    nodes: topology.nodes.map((node) => toDrawnNode(node, now, nowMs)),
    entry: toEntry(topology),
    nodeCidr: topology.network.nodeCidr ?? '',
    hasOverlay: topology.edge.tailscale.enabled,
    titleBlock: {
      site: site.name,
      pattern: topology.pattern,
      revision: String(site.revision),
      appliedRevision: site.appliedRevision === null ? 'none' : String(site.appliedRevision),
      drawnBy: site.drawnBy,
      date: site.date,
      verdict: toSiteMark(site, nowMs),
      dataAge: now ? toDurationText(nowMs - toDataTimeMs(now)) : '–',
    },
  };
}

function toDrawnNode(node: TopologyNode, now: SiteNowBody | null, nowMs: number): DrawnNode {
  const known = now?.nodes.find((each) => each.nodeId === node.id);
  const { user, port, address } = node.ssh;
  return {
    id: node.id,
    name: node.name,
    role: node.role,
    address: node.internalIp,
    access: `${user}@${address ?? node.internalIp}${port === 22 ? '' : `:${port}`}`,
    zone: node.zone,
    ...(node.position && { position: node.position }),
    state: now ? toNodeMark(known, now.intervalS, nowMs) : null,
    ...(now && {
      gauges: {
        cpu: known?.cpuPercent ?? null,
        memory: known?.memoryPercent ?? null,
        disk: known?.diskPercent ?? null,
      },
    }),
    badges: known?.badges ?? [],
  };
}

function toEntry({ registration }: Topology): Drawing['entry'] {
  switch (registration.via) {
    case 'server':
      return null;
    case 'vip':
      return {
        kind: registration.loadBalancer === 'external' ? 'external' : 'vip',
        label: registration.vip ?? '',
      };
    case 'dns':
      return { kind: 'dns', label: registration.dnsName ?? '' };
  }
}
