import { toCount } from '@/lib/core/text';
import { servers } from '@/lib/topology/find-node';
import type { Topology } from '@/lib/topology/topology';
import type { Fix } from './finding';
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
      if (servers(topology).length > 0) return [];
      const fix = agentsToServers(topology, topology.pattern === 'ha' ? 3 : 1);
      return [toHit(['nodes'], 'There is no server, so there is no control plane to join.', fix)];
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
      // One server less than two would be no high availability any more.
      const fix =
        count === 2 && topology.pattern === 'ha' ? agentsToServers(topology, 1) : lastServerToAgent(topology);
      return [toHit(['nodes'], toEvenMessage(count), fix)];
    },
  },
  {
    id: 'zone-holds-quorum',
    severity: 'warning',
    source: ETCD,
    find: (topology) => {
      const zones = servers(topology).map(({ zone }) => zone);
      // Without zones nothing is known; with one server there is nothing to spread.
      if (zones.length < 3 || zones.includes('')) return [];
      const needed = Math.floor(zones.length / 2) + 1;
      return [...new Set(zones)].flatMap((zone) => {
        const count = zones.filter((other) => other === zone).length;
        if (zones.length - count >= needed) return [];
        return [
          toHit(
            ['nodes'],
            `${count} of ${zones.length} servers stand in ${zone}; without it the rest is no quorum of ${needed}. Spread them over three zones.`,
          ),
        ];
      });
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

/** The first agents as servers, or null where there are not enough. */
function agentsToServers({ nodes }: Topology, count: number): Fix | null {
  const places = nodes.flatMap(({ role }, place) => (role === 'agent' ? [place] : [])).slice(0, count);
  if (places.length < count) return null;
  const names = places.map((place) => nodes[place]?.name).join(', ');
  return {
    title: count === 1 ? `Make ${names} a server` : `Make ${names} servers`,
    edits: places.map((place) => ({ op: 'set', path: ['nodes', place, 'role'], value: 'server' })),
  };
}

function lastServerToAgent({ nodes }: Topology) {
  const place = nodes.findLastIndex(({ role }) => role === 'server');
  const node = nodes[place];
  return node ? toSetFix(`Make ${node.name} an agent`, ['nodes', place, 'role'], 'agent') : null;
}
