import { doCidrsOverlap, findIpv4, hasAddress, parseCidr, TAILNET_CIDR } from '@/lib/core/cidr';
import { clusterNodes } from '@/lib/topology/find-node';
import type { Topology } from '@/lib/topology/topology';
import { toHit, toSetFix } from './rule';
import type { Hit, Rule } from './rule';

type Field = 'clusterCidr' | 'serviceCidr' | 'nodeCidr';

const WORDS: Readonly<Record<Field, string>> = {
  clusterCidr: 'the pod network',
  serviceCidr: 'the service network',
  nodeCidr: 'the nodes’ network',
};
/** What RKE2 itself takes (RKE2 docs reference/server_config). */
const USUAL = { clusterCidr: '10.42.0.0/16', serviceCidr: '10.43.0.0/16' } as const;
const KNOWN_ISSUES = 'RKE2 docs install/requirements, known_issues';
const DOCKER_CIDR = parseCidr('172.17.0.0/16');

/** Networks against each other and against the hosts. */
export const NETWORK_RULES: readonly Rule[] = [
  {
    id: 'cidr-overlap',
    severity: 'error',
    source: KNOWN_ISSUES,
    find: ({ network }) => {
      const pairs: [Field, Field][] = [
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
      (['clusterCidr', 'serviceCidr'] as const).flatMap((field) =>
        topology.nodes.flatMap(({ name, internalIp, externalIp }, place) =>
          (
            [
              ['internalIp', internalIp],
              ['externalIp', externalIp],
            ] as const
          )
            .filter(([, text]) => isInside(topology.network[field], text))
            .map(([part, text]) =>
              toHit(
                ['nodes', place, part],
                `${text} of ${name} lies in ${WORDS[field]} ${topology.network[field]}, so pods could not reach it.`,
              ),
            ),
        ),
      ),
  },
  {
    id: 'cidr-tailnet',
    severity: 'error',
    source: 'RKE2 docs known_issues; Tailscale documentation (100.64.0.0/10)',
    find: ({ network }) =>
      (['clusterCidr', 'serviceCidr'] as const)
        .filter((field) => doCidrsOverlap(parseCidr(network[field]), TAILNET_CIDR))
        .map((field) =>
          toHit(
            ['network', field],
            `${network[field]} overlaps with 100.64.0.0/10, which Tailscale and providers’ NAT use.`,
            toSetFix(`Use ${USUAL[field]}`, ['network', field], USUAL[field]),
          ),
        ),
  },
  {
    id: 'cidr-docker',
    severity: 'warning',
    source: KNOWN_ISSUES,
    find: ({ network }) =>
      (['clusterCidr', 'serviceCidr'] as const)
        .filter((field) => doCidrsOverlap(parseCidr(network[field]), DOCKER_CIDR))
        .map((field) =>
          toHit(
            ['network', field],
            `${network[field]} overlaps with Docker’s 172.17.0.0/16; on a host with Docker, pods become unreachable.`,
            toSetFix(`Use ${USUAL[field]}`, ['network', field], USUAL[field]),
          ),
        ),
  },
  {
    id: 'pod-network-too-small',
    severity: 'error',
    source: 'kube-controller-manager reference, node-cidr-mask-size (24)',
    find: (topology) => {
      const { prefix } = parseCidr(topology.network.clusterCidr);
      const room = prefix > 24 ? 0 : 2 ** (24 - prefix);
      const count = clusterNodes(topology).length;
      if (count <= room) return [];
      return [
        toHit(
          ['network', 'clusterCidr'],
          `${topology.network.clusterCidr} has room for ${room} nodes, because each takes a /24, but there are ${count}.`,
        ),
      ];
    },
  },
  {
    id: 'service-network-size',
    severity: 'error',
    source:
      'kube-apiserver reference, service-cluster-ip-range; RKE2 docs reference/server_config, cluster-dns',
    find: ({ network }) => {
      const { prefix } = parseCidr(network.serviceCidr);
      const use = toSetFix(`Use ${USUAL.serviceCidr}`, ['network', 'serviceCidr'], USUAL.serviceCidr);
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
