import { findIpv4, hasAddress, TAILNET_CIDR } from '@/lib/core/cidr';
import { assertNever } from '@/lib/core/assert-never';
import { Topology } from './topology';
import type { Pattern, Role, TopologyInput } from './topology';

type NodeInput = NonNullable<TopologyInput['nodes']>[number];

/** A host as a person lists it: an id and an address; a name and a role where they are known. */
export type HostInput = Pick<NodeInput, 'id' | 'internalIp'> & Partial<NodeInput>;

const NAME_PREFIX: Readonly<Record<Role, string>> = { server: 's', agent: 'a', lb: 'lb' };

/**
 * A pattern and a list of hosts as a complete topology. Roles that are not stated are dealt out in the list's order:
 * `ha` three servers (one when there are fewer than three hosts), the last two hosts load balancers from five hosts on, the rest agents;
 * `edge` and `custom` one server, the rest agents. Names that are not stated are s1, a1, lb1 and so on.
 * A virtual IP is never invented: with load balancers and no VIP in `registration` the rules ask for it.
 * Throws a ZodError when a host's values are no valid node.
 */
export function toDefaultTopology(
  pattern: Pattern,
  hosts: readonly HostInput[],
  registration: TopologyInput['registration'] = {},
): Topology {
  const nodes = withNames(withRoles(pattern, hosts));
  const lbCount = nodes.filter((node) => node.role === 'lb').length;
  const serverCount = nodes.filter((node) => node.role === 'server').length;
  const isHa = lbCount > 0 || serverCount > 1;
  const onTailnet = nodes.some((node) => [node.internalIp, node.externalIp].some(isTailnetAddress));
  return Topology.parse({
    pattern,
    nodes,
    registration: {
      ...(isHa && { via: 'vip', loadBalancer: lbCount > 0 ? 'managed' : 'external' }),
      ...registration,
    },
    ...(pattern === 'edge' && {
      cilium: { operatorReplicas: 1 },
      edge: { relaxedTimers: true, tailscale: { enabled: onTailnet } },
    }),
  } satisfies TopologyInput);
}

/** How many hosts of `count` get which role when none is stated. */
export function toRoleCounts(pattern: Pattern, count: number): Readonly<Record<Role, number>> {
  switch (pattern) {
    case 'ha': {
      const server = count >= 3 ? 3 : Math.min(count, 1);
      const lb = count >= 5 ? 2 : 0;
      return { server, lb, agent: count - server - lb };
    }
    case 'edge':
    case 'custom': {
      const server = Math.min(count, 1);
      return { server, lb: 0, agent: count - server };
    }
    default:
      return assertNever(pattern);
  }
}

function withRoles(pattern: Pattern, hosts: readonly HostInput[]): (HostInput & { role: Role })[] {
  const wanted = toRoleCounts(pattern, hosts.length);
  const stated = (role: Role) => hosts.filter((host) => host.role === role).length;
  const isStated = hosts.some((host) => host.role !== undefined);
  const open = hosts.filter((host) => host.role === undefined);
  const serversLeft = Math.max(0, wanted.server - stated('server'));
  // A list that states roles states its load balancers too: none is guessed beside them.
  const lbsLeft = isStated ? 0 : wanted.lb;
  return hosts.map((host) => {
    if (host.role !== undefined) return { ...host, role: host.role };
    const place = open.indexOf(host);
    if (place < serversLeft) return { ...host, role: 'server' };
    return { ...host, role: place >= open.length - lbsLeft ? 'lb' : 'agent' };
  });
}

function withNames(hosts: readonly (HostInput & { role: Role })[]): NodeInput[] {
  const taken = new Set(hosts.map((host) => host.name));
  const next: Record<Role, number> = { server: 1, agent: 1, lb: 1 };
  return hosts.map((host) => {
    if (host.name !== undefined) return { ...host, name: host.name };
    let name: string;
    do name = `${NAME_PREFIX[host.role]}${next[host.role]++}`;
    while (taken.has(name));
    return { ...host, name };
  });
}

function isTailnetAddress(text: string | undefined): boolean {
  const address = findIpv4(text ?? '');
  return address !== null && hasAddress(TAILNET_CIDR, address);
}
