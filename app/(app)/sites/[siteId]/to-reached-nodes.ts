import type { ReachedNode } from '@/components/wizard/site-host-keys';
import { listHops, toHopKey } from '@/lib/topology/list-hops';
import type { Topology } from '@/lib/topology/topology';

/** The nodes of a site with the bastions on the way to each. */
export function toReachedNodes({ nodes }: Topology): ReachedNode[] {
  return nodes.map(({ id, name, ssh }) => ({ id, name, hops: listHops(ssh).map(toHopKey) }));
}
