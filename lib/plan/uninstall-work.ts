import { toUnifiedDiff } from '@/lib/core/unified-diff';
import type { NodeFacts } from '@/lib/health/facts';
import { MANAGED_HEADER } from '@/lib/render/managed-header';
import { renderNode } from '@/lib/render/render-node';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { isRunning } from './plan-problem';
import type { Work } from './node-work';

/** What RKE2's own uninstall script removes (RKE2 bundle/bin/rke2-uninstall.sh). */
const REMOVED_BY_RKE2 = /^(\/etc\/rancher\/rke2|\/var\/lib\/rancher\/rke2)\//;

/** What takes RKE2 and our own files off one node, in order; empty where nothing of both is left. */
export function toUninstallWork(topology: Topology, node: TopologyNode, facts: NodeFacts): readonly Work[] {
  const files = renderNode(topology, node.id).map(({ path }) => path);
  const left = files.filter((path) => REMOVED_BY_RKE2.test(path) && facts.files[path]);
  const isThere =
    facts.rke2Version !== null ||
    facts.hasEtcdData ||
    Object.keys(facts.stamps).length > 0 ||
    left.length > 0;
  const uninstall: Work = {
    kind: 'rke2.uninstall',
    params: {},
    effect: `ends every container of RKE2 on ${node.name} and deletes RKE2 with all of its data`,
    diff: null,
    restarts: [],
    touchesQuorum: node.role === 'server' && isRunning(facts, 'rke2-server.service'),
    phase: 'serve',
  };
  const ours = files.filter(
    (path) =>
      !REMOVED_BY_RKE2.test(path) && (facts.files[path]?.content?.startsWith(MANAGED_HEADER) ?? false),
  );
  return [
    ...(isThere ? [uninstall] : []),
    ...ours.map((path): Work => ({
      kind: 'file.remove',
      params: { path, dropsStamps: [] },
      effect: `removes ${path}; its settings last until the next reboot`,
      diff: toUnifiedDiff(path, facts.files[path]?.content ?? null, null),
      restarts: [],
      touchesQuorum: false,
      phase: 'change',
    })),
  ];
}
