import { EDGE_TIMERS } from '@/lib/topology/edge-timers';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { toPlainFile } from './plain-file';
import type { RenderedFile } from './rendered-file';
import { toYaml } from './to-yaml';

export const KUBELET_DROP_IN_PATH = '/var/lib/rancher/rke2/agent/etc/kubelet.conf.d/50-siteplan.conf';

/** The kubelet's drop-in for edge timers, or null without them (RKE2 docs install/configuration prefers it to kubelet-arg). */
export function renderKubeletDropIn({ edge }: Topology, node: TopologyNode): RenderedFile | null {
  if (!edge.relaxedTimers) return null;
  const config = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    nodeStatusUpdateFrequency: `${EDGE_TIMERS.kubelet.nodeStatusUpdateFrequencyS}s`,
  };
  return toPlainFile({
    path: KUBELET_DROP_IN_PATH,
    mode: '0600',
    body: toYaml(config),
    readBy: [node.role === 'server' ? 'rke2-server.service' : 'rke2-agent.service'],
    purpose: 'Kubelet settings for links that come and go.',
  });
}
