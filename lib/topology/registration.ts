import { assertNever } from '@/lib/core/assert-never';
import { AppError } from '@/lib/core/errors';
import { firstServer, loadBalancers, servers } from './find-node';
import type { Topology, TopologyNode } from './topology';

/** Port of the RKE2 supervisor, where nodes join; fixed (RKE2 docs install/requirements). */
export const SUPERVISOR_PORT = 9345;
/** Port of the Kubernetes API; fixed (RKE2 docs install/requirements). */
export const API_PORT = 6443;

/** The address by which agents join and clients reach the API, or null while the document does not say. */
export function findRegistrationAddress(topology: Topology): string | null {
  const { via, vip, dnsName } = topology.registration;
  switch (via) {
    case 'server':
      return firstServer(topology)?.internalIp ?? null;
    case 'vip':
      return vip ?? null;
    case 'dns':
      return dnsName ?? null;
    default:
      return assertNever(via);
  }
}

/** Like `findRegistrationAddress`, but throws an `AppError` that names the missing field. */
export function registrationAddress(topology: Topology): string {
  const address = findRegistrationAddress(topology);
  if (address !== null) return address;
  const missing = {
    server: 'The topology has no server, so no node can join. Add one.',
    vip: 'Registration goes through a virtual IP, but registration.vip is empty. Enter an unused address of the nodes’ network.',
    dns: 'Registration goes through a DNS name, but registration.dnsName is empty. Enter the name of the fixed address.',
  } as const;
  throw new AppError('precondition-failed', missing[topology.registration.via]);
}

/** Where clients find the Kubernetes API: `https://<registration address>:6443`. Throws like `registrationAddress`. */
export function apiUrl(topology: Topology): string {
  return `https://${registrationAddress(topology)}:${API_PORT}`;
}

/**
 * Every name and address by which a client may reach the API or the supervisor, for `tls-san` on every server:
 * fixed address first, then servers, then load balancers, then the document's own extra names. No duplicates.
 * (RKE2 docs install/ha; a name that is missing shows as "x509: certificate is valid for …, not …".)
 */
export function apiSans(topology: Topology): string[] {
  const { vip, dnsName } = topology.registration;
  const ofNode = (node: TopologyNode) => [node.name, node.internalIp, node.externalIp];
  const sans = [
    dnsName,
    vip,
    ...servers(topology).flatMap(ofNode),
    ...loadBalancers(topology).flatMap(ofNode),
    ...topology.security.extraSans,
  ];
  return [...new Set(sans.filter((san) => san !== undefined))];
}
