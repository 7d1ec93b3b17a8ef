import type { NodeId } from '@/lib/core/ids';
import { AUDIT_POLICY_PATH, ETCD_USER_PATH } from '@/lib/render/cis-files';
import { KUBELET_DROP_IN_PATH } from '@/lib/render/kubelet-drop-in';
import { REGISTRIES_PATH } from '@/lib/render/registries';
import { renderNode } from '@/lib/render/render-node';
import type { Topology } from '@/lib/topology/topology';
import { LOAD_BALANCER_PATHS } from './load-balancer-work';

/** Files that a topology may stop asking for; ours (by their first line) are then removed. */
export const OPTIONAL_PATHS: readonly string[] = [
  REGISTRIES_PATH,
  KUBELET_DROP_IN_PATH,
  ETCD_USER_PATH,
  AUDIT_POLICY_PATH,
];

/** Every path per node that a plan may write or remove: the facts job must read them all. */
export function planWrites(topology: Topology): ReadonlyMap<NodeId, readonly string[]> {
  return new Map(
    topology.nodes.map((node) => {
      // Not rendered, because that throws where the topology does not say yet what the files need.
      if (node.role === 'lb') return [node.id, [...LOAD_BALANCER_PATHS].sort()];
      const rendered = renderNode(topology, node.id).map(({ path }) => path);
      return [node.id, [...new Set([...rendered, ...OPTIONAL_PATHS])].sort()];
    }),
  );
}
