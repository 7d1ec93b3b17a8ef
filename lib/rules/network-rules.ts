import { doCidrsOverlap, findIpv4, hasAddress, parseCidr, TAILNET_CIDR } from '@/lib/core/cidr';
import { clusterNodes } from '@/lib/topology/find-node';
import type { DocumentPath } from '@/lib/topology/edit-topology';
import type { Topology } from '@/lib/topology/topology';
import { DOCKER_CIDR, findFreeNetwork, NODE_PREFIX } from './find-free-network';
import type { Fix } from './finding';
import { toHit, toSetFix } from './rule';
import type { Hit, Rule } from './rule';

type Field = 'clusterCidr' | 'serviceCidr' | 'nodeCidr';

const WORDS: Readonly<Record<Field, string>> = {
  clusterCidr: 'the pod network',
  serviceCidr: 'the service network',
  nodeCidr: 'the nodes’ network',
};
const KNOWN_ISSUES = 'RKE2 docs install/requirements, known_issues';
const TAILNET_MTU = 1_280;

/** Networks against each other and against the hosts. */
export const NETWORK_RULES: readonly Rule[] = [
  {
    id: 'cidr-overlap',
    severity: 'error',
    source: KNOWN_ISSUES,
    find: (topology) => {
      const { network } = topology;
      const pairs: [Field, 'clusterCidr' | 'serviceCidr'][] = [
        ['serviceCidr', 'clusterCidr'],
        ['nodeCidr', 'clusterCidr'],
        ['nodeCidr', 'serviceCidr'],
      ];
      return pairs.flatMap(([a, b]): Hit[] => {
        const [first, second] = [network[a], network[b]];
        if (first === undefined || second === undefined) return [];
        if (!doCidrsOverlap(parseCidr(first), parseCidr(second))) return [];
        return [
          toHit(
            ['network', a],
            `${first} overlaps with ${WORDS[b]} ${second}, so packets could go to either.`,
            toNetworkFix(topology, a === 'nodeCidr' ? b : a),
          ),
        ];
      });
    },
  },
  {
    id: 'cidr-holds-host',
    severity: 'error',
    source: KNOWN_ISSUES,
    find: (topology) =>
      (['clusterCidr', 'serviceCidr'] as const).flatMap((field) => {
        const inside = addressesOf(topology).filter(({ text }) => isInside(topology.network[field], text));
        // One fix for all of them: looking for a free network at each of a thousand hosts would take seconds.
        const fix = inside.length === 0 ? null : toNetworkFix(topology, field);
        return inside.map(({ path, text, owner }) =>
          toHit(
            path,
            `${text} ${owner} lies in ${WORDS[field]} ${topology.network[field]}, so pods could not reach it.`,
            fix,
          ),
        );
      }),
  },
  {
    id: 'cidr-tailnet',
    severity: 'error',
    source: 'RKE2 docs known_issues; Tailscale documentation (100.64.0.0/10)',
    find: (topology) =>
      (['clusterCidr', 'serviceCidr'] as const)
        .filter((field) => doCidrsOverlap(parseCidr(topology.network[field]), TAILNET_CIDR))
        .map((field) =>
          toHit(
            ['network', field],
            `${topology.network[field]} overlaps with 100.64.0.0/10, which Tailscale and providers’ NAT use.`,
            toNetworkFix(topology, field),
          ),
        ),
  },
  {
    id: 'cidr-docker',
    severity: 'warning',
    source: KNOWN_ISSUES,
    find: (topology) =>
      (['clusterCidr', 'serviceCidr'] as const)
        .filter((field) => doCidrsOverlap(parseCidr(topology.network[field]), DOCKER_CIDR))
        .map((field) =>
          toHit(
            ['network', field],
            `${topology.network[field]} overlaps with Docker’s 172.17.0.0/16; on a host with Docker, pods become unreachable.`,
            toNetworkFix(topology, field),
          ),
        ),
  },
  {
    id: 'pod-network-too-small',
    severity: 'error',
    source: 'kube-controller-manager reference, node-cidr-mask-size (24)',
    find: (topology) => {
      const { prefix } = parseCidr(topology.network.clusterCidr);
      const room = prefix > NODE_PREFIX ? 0 : 2 ** (NODE_PREFIX - prefix);
      const count = clusterNodes(topology).length;
      if (count <= room) return [];
      return [
        toHit(
          ['network', 'clusterCidr'],
          `${topology.network.clusterCidr} has room for ${room} nodes, because each takes a /${NODE_PREFIX}, but there are ${count}.`,
          toNetworkFix(topology, 'clusterCidr'),
        ),
      ];
    },
  },
  {
    id: 'service-network-size',
    severity: 'error',
    source:
      'kube-apiserver reference, service-cluster-ip-range; RKE2 docs reference/server_config, cluster-dns',
    find: (topology) => {
      const { network } = topology;
      const { prefix } = parseCidr(network.serviceCidr);
      const use = toNetworkFix(topology, 'serviceCidr');
      if (prefix < 12)
        return [
          toHit(
            ['network', 'serviceCidr'],
            `${network.serviceCidr} is too large: the API server takes /12 at most and does not start.`,
            use,
          ),
        ];
      if (prefix > 28)
        return [
          toHit(
            ['network', 'serviceCidr'],
            `${network.serviceCidr} is too small: cluster DNS takes the tenth address.`,
            use,
          ),
        ];
      return [];
    },
  },
  {
    id: 'node-outside-network',
    severity: 'warning',
    source: 'Siteplan',
    find: ({ nodes, network }) => {
      const { nodeCidr } = network;
      if (nodeCidr === undefined) return [];
      return nodes.flatMap(({ name, internalIp }, place) =>
        isInside(nodeCidr, internalIp)
          ? []
          : [
              toHit(
                ['nodes', place, 'internalIp'],
                `${internalIp} of ${name} is not in the nodes’ network ${nodeCidr}.`,
              ),
            ],
      );
    },
  },
  {
    id: 'mtu-over-tailnet',
    severity: 'error',
    source: 'Tailscale net/tstun (MTU 1280); Cilium pkg/mtu',
    find: (topology) =>
      topology.network.mtu > TAILNET_MTU && nodesOnTailnet(topology).length > 0
        ? [
            toHit(
              ['network', 'mtu'],
              `Nodes talk over Tailscale, which carries ${TAILNET_MTU} bytes; with ${topology.network.mtu} small requests work and image pulls and logs hang.`,
              toSetFix('Use automatic', ['network', 'mtu'], 0),
            ),
          ]
        : [],
  },
  {
    id: 'mtu-too-small',
    severity: 'error',
    source: 'RFC 791; Cilium pkg/mtu (VXLAN and Geneve take 50 bytes, WireGuard 80)',
    find: ({ network }) => {
      if (network.mtu === 0 || network.mtu >= 1280) return [];
      return [
        toHit(
          ['network', 'mtu'],
          `An underlay MTU of ${network.mtu} leaves pods less than common paths need. Use 0 for automatic, or at least 1280.`,
          toSetFix('Use automatic', ['network', 'mtu'], 0),
        ),
      ];
    },
  },
];

/** Another network in its place, or null where none is free. */
function toNetworkFix(topology: Topology, field: 'clusterCidr' | 'serviceCidr'): Fix | null {
  const free = findFreeNetwork(topology, field);
  return free === null ? null : toSetFix(`Use ${free}`, ['network', field], free);
}

/** Every address of a host or the virtual IP, with its place and whose it is. */
export function addressesOf({ nodes, registration: { vip } }: Topology) {
  const ofNodes: { path: DocumentPath; text: string | undefined; owner: string }[] = nodes.flatMap(
    ({ name, internalIp, externalIp }, place) => [
      { path: ['nodes', place, 'internalIp'], text: internalIp, owner: `of ${name}` },
      { path: ['nodes', place, 'externalIp'], text: externalIp, owner: `of ${name}` },
    ],
  );
  return [...ofNodes, { path: ['registration', 'vip'], text: vip, owner: 'for joining and clients' }];
}

function isInside(cidr: string, text: string | undefined): boolean {
  const address = findIpv4(text ?? '');
  return address !== null && hasAddress(parseCidr(cidr), address);
}

/** Nodes of the cluster whose internal address, and so all their traffic, is on the tailnet. */
export function nodesOnTailnet(topology: Topology) {
  return clusterNodes(topology).filter(({ internalIp }) => isOnTailnet(internalIp));
}

export function isOnTailnet(text: string | undefined): boolean {
  const address = findIpv4(text ?? '');
  return address !== null && hasAddress(TAILNET_CIDR, address);
}
