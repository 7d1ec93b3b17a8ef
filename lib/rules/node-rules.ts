import { findCidr, findIpv4, hasAddress, parseCidr } from '@/lib/core/cidr';
import { listHops, toHopKey } from '@/lib/topology/list-hops';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { addressesOf } from './network-rules';
import { toHit, toRemoveFix } from './rule';
import type { Hit, Rule } from './rule';

const UNUSABLE = [
  ['0.0.0.0/8', 'means “this network”'],
  ['127.0.0.0/8', 'is the loopback network'],
  ['169.254.0.0/16', 'is link-local and does not survive a reboot'],
  ['224.0.0.0/4', 'is multicast'],
  ['240.0.0.0/4', 'is reserved'],
] as const;

/** Systems whose own kernel is older than Cilium's minimum (kernel versions of the distributions' release notes). */
const OLD_SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\bUbuntu\s+(Linux\s+)?(14|16|18)\.\d\d/i, '4.15 or older'],
  [/\bUbuntu\s+(Linux\s+)?20\.\d\d/i, '5.4'],
  [/\bDebian\b\D*([789]|10)(\.\d+)?\b/i, '4.19 or older'],
  [/\b(RHEL|Red Hat|CentOS|Oracle|Scientific)\b\D*[67](\.\d+)?\b/i, '4.18 or older'],
  [/\bSLES\s*15[ -]*SP[0-3]\b/i, '5.3 or older'],
];

/** Labels below kubernetes.io and k8s.io that a kubelet may set on its own node (KEP-279). */
const KUBELET_LABELS = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
]);

/** Names, addresses and labels of nodes. */
export const NODE_RULES: readonly Rule[] = [
  {
    id: 'duplicate-id',
    severity: 'error',
    source: 'Siteplan',
    find: ({ nodes }) =>
      duplicatesOf(nodes, ({ id }) => [id]).map(({ place, first }) =>
        toHit(
          ['nodes', place, 'id'],
          `This node has the same id as ${first.name}, so host keys and samples of both would mix.`,
        ),
      ),
  },
  {
    id: 'duplicate-name',
    severity: 'error',
    source: 'RKE2 docs install/requirements',
    find: ({ nodes }) =>
      duplicatesOf(nodes, ({ name }) => [name]).map(({ place, value }) =>
        toHit(
          ['nodes', place, 'name'],
          `Two nodes are called ${value}. The second would be refused with “Node password rejected”.`,
        ),
      ),
  },
  {
    id: 'duplicate-address',
    severity: 'error',
    source: 'RKE2 docs install/requirements',
    find: ({ nodes }) =>
      duplicatesOf(nodes, ({ internalIp, externalIp }) => [internalIp, ...(externalIp ? [externalIp] : [])])
        .filter(({ node, first }) => !isLbWithServer(node, first))
        .map(({ place, value, first }) =>
          toHit(['nodes', place], `${value} belongs to ${first.name} already.`),
        ),
  },
  {
    id: 'lb-on-server',
    severity: 'error',
    source: 'RKE2 docs install/requirements (6443 and 9345 are fixed)',
    find: ({ nodes }) =>
      duplicatesOf(nodes, ({ internalIp }) => [internalIp])
        .filter(({ node, first }) => isLbWithServer(node, first))
        .map(({ place, node, first }) => {
          const [lb, other] = node.role === 'lb' ? [node, first] : [first, node];
          const port = other.role === 'server' ? '6443 and 9345' : '6443';
          return toHit(
            ['nodes', place],
            `${lb.name} is a load balancer on the host of ${other.name}, where RKE2 itself holds ${port}. Use a host of its own.`,
          );
        }),
  },
  {
    id: 'unusable-address',
    severity: 'error',
    source: 'IANA IPv4 special-purpose address registry',
    find: (topology) =>
      addressesOf(topology).flatMap(({ path, text }): Hit[] => {
        const address = findIpv4(text ?? '');
        if (address === null) return [];
        const why =
          UNUSABLE.find(([cidr]) => hasAddress(parseCidr(cidr), address))?.[1] ??
          findEndOfNetwork(topology, address);
        return why ? [toHit(path, `${text} ${why}, so other nodes cannot reach it.`)] : [];
      }),
  },
  {
    id: 'same-machine',
    severity: 'warning',
    source: 'Siteplan',
    find: ({ nodes }) =>
      duplicatesOf(nodes, (node) => [toSshText(node)])
        .filter(({ node, first }) => node.internalIp !== first.internalIp)
        .map(({ place, node, value, first }) =>
          toHit(
            ['nodes', place, 'ssh', 'address'],
            `${node.name} is reached at ${value}, like ${first.name}; that is one machine, and it can be one node only.`,
          ),
        ),
  },
  {
    id: 'os-kernel-too-old',
    severity: 'warning',
    source: 'Cilium docs operations/system_requirements (Linux 5.10)',
    find: ({ nodes }) =>
      nodes.flatMap(({ name, os, role }, place) => {
        const kernel = OLD_SYSTEMS.find(([pattern]) => pattern.test(os))?.[1];
        if (kernel === undefined || role === 'lb') return [];
        return [
          toHit(
            ['nodes', place, 'os'],
            `${os} of ${name} comes with Linux ${kernel}; Cilium needs 5.10 or later. Use a newer system or kernel.`,
          ),
        ];
      }),
  },
  {
    id: 'hostname-form',
    severity: 'error',
    source: 'RFC 1123; Kubernetes documentation, node names',
    find: ({ nodes }) =>
      nodes.flatMap(({ name }, place) => {
        if (name === 'localhost')
          return [
            toHit(
              ['nodes', place, 'name'],
              'localhost means another machine on every machine. Give the node a name of its own.',
            ),
          ];
        if (/^\d+$/.test(name))
          return [
            toHit(
              ['nodes', place, 'name'],
              `${name} is all digits, which programs take for an address. Start the name with a letter.`,
            ),
          ];
        return [];
      }),
  },
  {
    id: 'label-refused',
    severity: 'error',
    source: 'Kubernetes KEP-279; RKE2 docs reference/linux_agent_config',
    find: ({ nodes }) =>
      nodes.flatMap(({ labels }, place) =>
        Object.keys(labels)
          .filter((key) => !mayKubeletSet(key))
          .map((key) =>
            toHit(
              ['nodes', place, 'labels', key],
              `A kubelet may not set ${key} on its own node and would not start. Set it by kubectl after the node has joined.`,
              toRemoveFix(`Remove the label ${key}`, ['nodes', place, 'labels', key]),
            ),
          ),
      ),
  },
];

/** (Kubernetes kubelet: unknown labels below kubernetes.io and k8s.io end it at start.) */
function mayKubeletSet(key: string): boolean {
  const [namespace = '', name] = key.split('/');
  if (name === undefined || !/(^|\.)(kubernetes|k8s)\.io$/.test(namespace)) return true;
  return KUBELET_LABELS.has(key) || /(^|\.)(kubelet|node)\.kubernetes\.io$/.test(namespace);
}

/** Why an address at either end of the nodes’ network is nobody's, or undefined. */
function findEndOfNetwork({ network }: Topology, address: number): string | undefined {
  const cidr = findCidr(network.nodeCidr ?? '');
  // RFC 3021: a /31 has two usable addresses, a /32 one.
  if (cidr === null || cidr.prefix > 30) return undefined;
  if (address === cidr.base) return `is the nodes’ network ${network.nodeCidr} itself`;
  if (address === cidr.base + 2 ** (32 - cidr.prefix) - 1)
    return `is the broadcast address of ${network.nodeCidr}`;
  return undefined;
}

/** Address and port by which a node is reached, and the way there; the same text is the same machine. */
function toSshText({ ssh, internalIp }: TopologyNode): string {
  const hops = listHops(ssh).map(toHopKey);
  const end = toHopKey({ address: ssh.address ?? internalIp, port: ssh.port });
  return hops.length === 0 ? end : `${end} behind ${hops.join(', ')}`;
}

function isLbWithServer(a: TopologyNode, b: TopologyNode): boolean {
  return (a.role === 'lb') !== (b.role === 'lb') && a.internalIp === b.internalIp;
}

interface Duplicate {
  readonly place: number;
  readonly node: TopologyNode;
  readonly value: string;
  readonly first: TopologyNode;
}

/** Nodes that repeat a value of an earlier node, one entry per node and value. */
function duplicatesOf(nodes: Topology['nodes'], valuesOf: (node: TopologyNode) => string[]): Duplicate[] {
  const seen = new Map<string, TopologyNode>();
  return nodes.flatMap((node, place) =>
    [...new Set(valuesOf(node))].flatMap((value): Duplicate[] => {
      const first = seen.get(value);
      if (first) return [{ place, node, value, first }];
      seen.set(value, node);
      return [];
    }),
  );
}
