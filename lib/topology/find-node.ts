import type { NodeId } from '@/lib/core/ids';
import type { Topology, TopologyNode } from './topology';

/** The node with this id, or null. */
export function findNode(topology: Topology, nodeId: NodeId): TopologyNode | null {
  return topology.nodes.find((node) => node.id === nodeId) ?? null;
}

/** Nodes that run rke2-server (control plane and etcd), in the document's order. */
export function servers(topology: Topology): TopologyNode[] {
  return topology.nodes.filter((node) => node.role === 'server');
}

/** Nodes that run rke2-agent, in the document's order. */
export function agents(topology: Topology): TopologyNode[] {
  return topology.nodes.filter((node) => node.role === 'agent');
}

/** Hosts that run nginx and keepalived; they are no Kubernetes nodes. In the document's order. */
export function loadBalancers(topology: Topology): TopologyNode[] {
  return topology.nodes.filter((node) => node.role === 'lb');
}

/** Kubernetes nodes: servers and agents, in the document's order. */
export function clusterNodes(topology: Topology): TopologyNode[] {
  return topology.nodes.filter((node) => node.role !== 'lb');
}

/** The server that starts the cluster, on which the others join: the first one in the document; null without any. */
export function firstServer(topology: Topology): TopologyNode | null {
  return topology.nodes.find((node) => node.role === 'server') ?? null;
}
