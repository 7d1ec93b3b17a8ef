import { toCount } from '@/lib/core/text';
import { servers } from '@/lib/topology/find-node';
import type { Topology } from '@/lib/topology/topology';
import { toHit, toSetFix } from './rule';
import type { Rule } from './rule';

const ETCD = 'etcd documentation, faq; RKE2 docs install/ha';

/** Servers that may fail while etcd still has its quorum of floor(n/2)+1. */
export function failuresTolerated(serverCount: number): number {
  return Math.max(0, Math.ceil(serverCount / 2) - 1);
}

/** How many servers there are and what that survives. */
export const QUORUM_RULES: readonly Rule[] = [
  {
    id: 'no-server',
    severity: 'error',
    source: 'RKE2 docs install/quickstart',
    find: (topology) => {
      const { nodes } = topology;
      if (servers(topology).length > 0) return [];
      const place = nodes.findIndex(({ role }) => role === 'agent');
      const node = nodes[place];
      const fix = node && toSetFix(`Make ${node.name} a server`, ['nodes', place, 'role'], 'server');
      return [toHit(['nodes'], 'There is no server, so there is no control plane to join.', fix ?? null)];
    },
  },
  {
    id: 'single-server',
    severity: 'info',
    source: ETCD,
    find: (topology) =>
      servers(topology).length === 1 && topology.pattern !== 'ha'
        ? [
            toHit(
              ['nodes'],
              'One server tolerates no failure: while it is away, pods go on but nothing is rescheduled.',
            ),
          ]
        : [],
  },
  {
    id: 'ha-needs-three-servers',
    severity: 'error',
    source: ETCD,
    find: (topology) =>
      servers(topology).length === 1 && topology.pattern === 'ha'
        ? [
            toHit(
              ['nodes'],
              'The pattern is highly available, but one server tolerates no failure. Add two servers, or take another pattern.',
              toSetFix('Take the pattern custom', ['pattern'], 'custom'),
            ),
          ]
        : [],
  },
  {
    id: 'even-servers',
    severity: 'warning',
    source: ETCD,
    find: (topology) => {
      const count = servers(topology).length;
      if (count === 0 || count % 2 === 1) return [];
      return [toHit(['nodes'], toEvenMessage(count), lastServerToAgent(topology))];
    },
  },
  {
    id: 'too-many-servers',
    severity: 'warning',
    source: ETCD,
    find: (topology) => {
      const count = servers(topology).length;
      if (count <= 7) return [];
      return [
        toHit(
          ['nodes'],
          `${count} servers: every write waits for ${Math.floor(count / 2) + 1} disks. More than seven slow etcd down without need.`,
        ),
      ];
    },
  },
];

function toEvenMessage(count: number): string {
  if (count === 2) {
    return 'Two servers are worse than one: losing either stops the cluster. Use one or three.';
  }
  const tolerated = toCount(failuresTolerated(count), 'failure');
  return `${count} servers tolerate ${tolerated}, the same as ${count - 1}, with one more machine that can fail.`;
}

function lastServerToAgent({ nodes }: Topology) {
  const place = nodes.findLastIndex(({ role }) => role === 'server');
  const node = nodes[place];
  return node ? toSetFix(`Make ${node.name} an agent`, ['nodes', place, 'role'], 'agent') : null;
}
