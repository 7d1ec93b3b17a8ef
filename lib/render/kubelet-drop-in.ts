import { EDGE_TIMERS } from '@/lib/topology/edge-timers';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { MANAGED_HEADER } from './managed-header';
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
  return {
    path: KUBELET_DROP_IN_PATH,
    mode: '0600',
    owner: 'root',
    group: 'root',
    content: MANAGED_HEADER + toYaml(config),
    secrets: [],
    readBy: [node.role === 'server' ? 'rke2-server.service' : 'rke2-agent.service'],
    onlyWithUnit: null,
    purpose: 'Kubelet settings for links that come and go.',
  };
}
