import { AppError } from '@/lib/core/errors';
import type { NodeId } from '@/lib/core/ids';
import { findNode } from '@/lib/topology/find-node';
import type { Topology } from '@/lib/topology/topology';
import { toCheckedFile } from './checked-file';
import { renderCiliumConfig } from './cilium-config';
import { renderAuditPolicy, renderEtcdUser } from './cis-files';
import { renderHostFiles } from './host-files';
import { renderKubeletDropIn } from './kubelet-drop-in';
import { renderLoadBalancer } from './load-balancer';
import { renderLocalPathStorage } from './local-path-storage';
import { renderRegistries } from './registries';
import type { RenderedFile } from './rendered-file';
import { renderRke2Config } from './rke2-config';
import { renderServiceDropIns } from './service-drop-ins';

/**
 * Every file of one node that a plan places, in that order: the host's own, then RKE2's. What only later releases place
 * is in `renderEveryFile`. The same topology gives the same bytes. Throws an `AppError` for an unknown node and where
 * the topology lacks what a file needs (server token, address to join, interface of the virtual IP).
 */
export function renderNode(topology: Topology, nodeId: NodeId): RenderedFile[] {
  const node = findNode(topology, nodeId);
  if (!node) throw new AppError('not-found', `The topology has no node with the id ${nodeId}.`);
  const dropIns = renderServiceDropIns(topology, node);
  if (node.role === 'lb') return [...dropIns, ...renderLoadBalancer(topology, node)].map(toCheckedFile);
  const files = [
    ...renderHostFiles(topology),
    renderEtcdUser(topology, node),
    ...dropIns,
    renderRegistries(topology, node),
    renderKubeletDropIn(topology, node),
    node.role === 'server' ? renderCiliumConfig(topology) : null,
    node.role === 'server' ? renderLocalPathStorage(topology) : null,
    renderAuditPolicy(topology, node),
    renderRke2Config(topology, node),
  ];
  return files.filter((file) => file !== null).map(toCheckedFile);
}
