import { canonicalJson, sha256Hex } from '@/lib/core/hash';
import { toShortList } from '@/lib/health/check-result';
import type { NodeFacts } from '@/lib/health/facts';
import { NODES_LABEL_STAMP } from '@/lib/steps/nodes-label';
import { clusterNodes } from '@/lib/topology/find-node';
import type { Topology } from '@/lib/topology/topology';
import { PLAIN } from './file-work';
import type { Work } from './file-work';

/**
 * What has to be done on the first server, whose facts are given, so that the Nodes have the labels and taints of the
 * drawing; empty where they were given the same before, or never any.
 */
export function toLabelWork(topology: Topology, facts: NodeFacts): readonly Work[] {
  const nodes = clusterNodes(topology)
    .map(({ name, labels, taints }) => ({ name, labels, taints }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const marked = nodes.filter(({ labels, taints }) => Object.keys(labels).length + taints.length > 0);
  const stamp = sha256Hex(canonicalJson(marked));
  const found = facts.stamps[NODES_LABEL_STAMP];
  if (found === stamp || (found === undefined && marked.length === 0)) return [];
  const names = marked.map(({ name }) => name);
  const on = names.length === 0 ? 'no node' : toShortList(names, 3);
  const evicts = marked.some(({ taints }) => taints.some(({ effect }) => effect === 'NoExecute'));
  const eviction = evicts ? '; a taint NoExecute ends the pods there that do not tolerate it' : '';
  return [
    {
      ...PLAIN,
      kind: 'nodes.label',
      params: { nodes, stamp },
      effect: `sets the labels and taints of the drawing (it has some on ${on}) and takes away what an earlier apply set; those of others stay, nothing restarts${eviction}`,
      phase: 'serve',
    },
  ];
}
