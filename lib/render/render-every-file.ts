import type { NodeId } from '@/lib/core/ids';
import { findNode } from '@/lib/topology/find-node';
import type { Topology } from '@/lib/topology/topology';
import { toCheckedFile } from './checked-file';
import { renderFirewall } from './firewall';
import { renderNetworkPolicies } from './network-policies';
import { renderNode } from './render-node';
import type { NodeFile, RenderedFile } from './rendered-file';
import { renderTailscale } from './tailscale';
import { renderTrafficShaping } from './traffic-shaping';

/** Why a plan leaves these files alone today. */
const REASONS = {
  tailscale:
    'Plans take hosts that are on the tailnet already; joining them to it comes with a later release.',
  firewall: 'Plans open and close no firewall yet; preflight says which ports are shut.',
  shaping: 'Plans set no queues yet; they come with a later release.',
  policies: 'Policies are switched on only after flows have shown what they would cut.',
} as const;

/**
 * All files of a node: those that a plan places (`renderNode`), then those that only a later release places, each with
 * the reason. For review and for the run-by-hand bundle. Throws like `renderNode`.
 */
export function renderEveryFile(topology: Topology, nodeId: NodeId): NodeFile[] {
  const planned = renderNode(topology, nodeId).map((file): NodeFile => ({ ...file, appliedBy: 'plan' }));
  return [...planned, ...renderLater(topology, nodeId)];
}

function renderLater(topology: Topology, nodeId: NodeId): NodeFile[] {
  const node = findNode(topology, nodeId);
  if (!node) return [];
  const later = (reason: string, files: readonly (RenderedFile | null)[]) =>
    files
      .filter((file) => file !== null)
      .map((file): NodeFile => ({ ...toCheckedFile(file), appliedBy: 'later', reason }));
  return [
    ...later(REASONS.firewall, renderFirewall(topology, node)),
    ...later(REASONS.tailscale, renderTailscale(topology, node)),
    ...later(REASONS.shaping, renderTrafficShaping(topology, node)),
    ...later(REASONS.policies, [node.role === 'server' ? renderNetworkPolicies(topology) : null]),
  ];
}
