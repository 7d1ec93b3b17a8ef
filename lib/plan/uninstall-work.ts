import { toUnifiedDiff } from '@/lib/core/unified-diff';
import { isActive } from '@/lib/health/check-result';
import type { NodeFacts } from '@/lib/health/facts';
import { ETCD_USER_PATH } from '@/lib/render/cis-files';
import { renderNode } from '@/lib/render/render-node';
import { toDropInPath } from '@/lib/render/service-drop-ins';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { toDropInRemoval } from './drop-in-work';
import { isOurs, PLAIN } from './file-work';
import type { Work } from './file-work';
import { toLoadBalancerRelease } from './load-balancer-work';
import { OPTIONAL_PATHS } from './plan-writes';

/** What RKE2's own uninstall script removes (RKE2 bundle/bin/rke2-uninstall.sh). */
const REMOVED_BY_RKE2 = /^(\/etc\/rancher\/rke2|\/var\/lib\/rancher\/rke2)\//;

/** What takes RKE2, a load balancer's programs and our own files off one node, in order; empty where nothing of it is left. */
export function toUninstallWork(topology: Topology, node: TopologyNode, facts: NodeFacts): readonly Work[] {
  if (node.role === 'lb') return toLoadBalancerRelease(node, facts);
  const files = renderNode(topology, node.id).map(({ path }) => path);
  const left = files.filter((path) => REMOVED_BY_RKE2.test(path) && facts.files[path]);
  const isThere =
    facts.rke2Version !== null ||
    facts.hasEtcdData ||
    Object.keys(facts.stamps).length > 0 ||
    left.length > 0;
  const uninstall: Work = {
    ...PLAIN,
    kind: 'rke2.uninstall',
    params: {},
    effect: `ends every container of RKE2 on ${node.name} and deletes RKE2 with all of its data`,
    touchesQuorum: node.role === 'server' && isActive(facts, 'rke2-server.service'),
    phase: 'serve',
  };
  const unit = `rke2-${node.role}.service`;
  const ours = [...new Set([...files, ...OPTIONAL_PATHS])].filter(
    (path) => path !== toDropInPath(unit) && !REMOVED_BY_RKE2.test(path) && isOurs(facts.files[path]),
  );
  return [
    ...(isThere ? [uninstall] : []),
    ...ours.map((path): Work => ({
      ...PLAIN,
      kind: 'file.remove',
      params: { path, dropsStamps: [] },
      effect: `removes ${path}; ${path === ETCD_USER_PATH ? 'the user etcd stays' : 'its settings last until the next reboot'}`,
      diff: toUnifiedDiff(path, facts.files[path]?.content ?? null, null),
      phase: 'change',
    })),
    ...toDropInRemoval(unit, facts),
  ];
}
