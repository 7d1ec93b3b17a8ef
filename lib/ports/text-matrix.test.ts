import { describe, expect, it } from 'vitest';
import { exampleLayout } from '@/lib/testing/example-layout';
import { clusterNodes, loadBalancers, servers } from '@/lib/topology/find-node';
import type { Topology } from '@/lib/topology/topology';
import { toReachability } from './to-reachability';

/** Whom the architecture text means by "Servers", "All Nodes" and "Agents + LB". */
const GROUPS = {
  servers,
  nodes: clusterNodes,
  'agents and load balancers': (topology: Topology) => [
    ...clusterNodes(topology).filter(({ role }) => role === 'agent'),
    ...loadBalancers(topology),
  ],
} as const;

interface Row {
  readonly ports: readonly [number, number];
  readonly protocol: 'tcp' | 'udp';
  readonly from: keyof typeof GROUPS;
  readonly to: keyof typeof GROUPS;
  /** What has to be set before the row holds. */
  readonly when?: Parameters<typeof exampleLayout>[0];
}

const tcp = (first: number, last: number, from: Row['from'], to: Row['to'], when: Row['when'] = {}): Row => ({
  ports: [first, last],
  protocol: 'tcp',
  from,
  to,
  when,
});
const udp = (port: number, when: Row['when'] = {}): Row => ({
  ports: [port, port],
  protocol: 'udp',
  from: 'nodes',
  to: 'nodes',
  when,
});

/** Both tables of the architecture text, without 4245, which is a pod's port behind a ClusterIP. */
const ROWS: readonly Row[] = [
  tcp(6443, 6443, 'agents and load balancers', 'servers'),
  tcp(9345, 9345, 'agents and load balancers', 'servers'),
  tcp(10_250, 10_250, 'nodes', 'nodes'),
  tcp(2379, 2379, 'servers', 'servers'),
  tcp(2380, 2380, 'servers', 'servers'),
  tcp(2381, 2381, 'servers', 'servers', { etcd: { exposeMetrics: true } }),
  tcp(30_000, 32_767, 'nodes', 'nodes'),
  tcp(4240, 4240, 'nodes', 'nodes'),
  tcp(4244, 4244, 'nodes', 'nodes'),
  udp(8472),
  udp(51_871, { cilium: { wireguard: true } }),
];

/** Pairs that may talk on the ports, as `from to`. */
function pairsOf(topology: Topology, { ports: [first, last], protocol }: Row): string[] {
  return toReachability(topology)
    .filter((entry) => entry.protocol === protocol && entry.port !== null && entry.lastPort !== null)
    .filter(({ port, lastPort }) => Number(port) <= first && Number(lastPort) >= last)
    .map(({ from, to }) => `${from} ${to}`);
}

describe('the port tables of the architecture text', () => {
  it.each(ROWS)('$protocol $ports is open from $from to $to', (row) => {
    const topology = exampleLayout(row.when);
    const wanted = GROUPS[row.from](topology).flatMap((from) =>
      GROUPS[row.to](topology)
        .filter((to) => to.id !== from.id)
        .map((to) => `${from.id} ${to.id}`),
    );
    expect(wanted.length).toBeGreaterThan(5);
    const pairs = pairsOf(topology, row);
    expect(wanted.filter((pair) => !pairs.includes(pair))).toEqual([]);
  });

  it.each(ROWS.filter(({ from, to }) => from === 'servers' && to === 'servers'))(
    '$ports of etcd is open to nobody but servers',
    (row) => {
      const topology = exampleLayout(row.when);
      const ids = new Set<string>(servers(topology).map(({ id }) => id));
      const ends = pairsOf(topology, row).flatMap((pair) => pair.split(' '));
      expect(ends.filter((end) => !ids.has(end))).toEqual([]);
    },
  );
});
