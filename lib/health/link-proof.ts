import { isActive, isOurBalancer, isOurs } from './check-result';
import type { NodeFacts } from './facts';
import type { Dial } from './link-plan';

/**
 * Whether a port that another program holds counts as reached. TCP: that program took the connection, and it is this
 * cluster's or one of its load balancers'. Others: datagrams are swallowed, so both ends must be in the running cluster
 * (or both balance for it), where its own traffic passes. On any other host somebody else holds the port.
 */
export function isProof(
  { protocol }: Pick<Dial, 'protocol'>,
  from: NodeFacts | undefined,
  to: NodeFacts | undefined,
): boolean {
  if (!from || !to) return false;
  if (protocol === 'tcp') return isMember(to) || (isOurBalancer(to) && isActive(to, 'nginx.service'));
  return (isMember(from) && isMember(to)) || (balancesByVrrp(from) && balancesByVrrp(to));
}

/** Runs RKE2 that we installed. */
function isMember(facts: NodeFacts): boolean {
  return isOurs(facts) && ['rke2-server.service', 'rke2-agent.service'].some((unit) => isActive(facts, unit));
}

/** Runs the keepalived of our load balancers. */
function balancesByVrrp(facts: NodeFacts): boolean {
  return isOurBalancer(facts) && isActive(facts, 'keepalived.service');
}
