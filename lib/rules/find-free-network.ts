import {
  doCidrsOverlap,
  findCidr,
  findIpv4,
  hasAddress,
  parseCidr,
  TAILNET_CIDR,
  toCidrText,
} from '@/lib/core/cidr';
import type { Cidr } from '@/lib/core/cidr';
import { clusterNodes } from '@/lib/topology/find-node';
import type { Topology } from '@/lib/topology/topology';

/** What RKE2 itself takes (RKE2 docs reference/server_config). */
const USUAL = { clusterCidr: '10.42.0.0/16', serviceCidr: '10.43.0.0/16' } as const;
/** Docker's own bridge on hosts that have it. */
export const DOCKER_CIDR = parseCidr('172.17.0.0/16');
/** Each node takes a network of this size for its pods (kube-controller-manager reference, node-cidr-mask-size). */
export const NODE_PREFIX = 24;

/**
 * A network for pods or services that meets no other network of the document, no host, not Docker and not the
 * tailnet: RKE2's own where it is free, else the next one in 10.0.0.0/8. Large enough for all nodes; null when
 * nothing is free.
 */
export function findFreeNetwork(topology: Topology, field: keyof typeof USUAL): string | null {
  const taken = listTaken(topology, field);
  const addresses = [
    topology.registration.vip,
    ...topology.nodes.flatMap(({ internalIp, externalIp }) => [internalIp, externalIp]),
  ].flatMap((text) => findIpv4(text ?? '') ?? []);
  const isFree = (cidr: Cidr) =>
    !taken.some((other) => doCidrsOverlap(cidr, other)) && !addresses.some((each) => hasAddress(cidr, each));
  const prefix = field === 'clusterCidr' ? toPodPrefix(clusterNodes(topology).length) : 16;
  const first = parseCidr(USUAL[field]).base;
  const ten = parseCidr('10.0.0.0/8');
  for (let step = 0; step < 256; step += 1) {
    // Around the ring of the /16 networks of 10.0.0.0/8, from RKE2's own on.
    const base = ten.base + ((first - ten.base + step * 2 ** 16) % 2 ** 24);
    const cidr = { base, prefix };
    if (findCidr(toCidrText(cidr)) !== null && isFree(cidr)) return toCidrText(cidr);
  }
  return null;
}

/** A /16 has room for 256 nodes; more take twice as much each time. */
function toPodPrefix(nodes: number): number {
  return Math.min(16, NODE_PREFIX - Math.ceil(Math.log2(Math.max(1, nodes))));
}

function listTaken({ network }: Topology, field: keyof typeof USUAL): Cidr[] {
  const other = field === 'clusterCidr' ? network.serviceCidr : network.clusterCidr;
  const texts = [other, ...(network.nodeCidr === undefined ? [] : [network.nodeCidr])];
  return [TAILNET_CIDR, DOCKER_CIDR, ...texts.map(parseCidr)];
}
