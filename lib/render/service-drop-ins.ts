import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { toPlainFile } from './plain-file';
import type { RenderedFile } from './rendered-file';
import { TAILSCALE_UNIT } from './tailscale';

/** Where the drop-in of a unit stands. */
export function toDropInPath(unit: string): string {
  return `/etc/systemd/system/${unit}.d/50-siteplan.conf`;
}

/** How systemd shall treat the services of a node: restarts without end, and at the edge the order after Tailscale. */
export function renderServiceDropIns(topology: Topology, node: TopologyNode): RenderedFile[] {
  if (node.role !== 'lb') return [toRke2DropIn(topology, node)];
  if (topology.registration.loadBalancer !== 'managed') return [];
  return [
    toDropIn('nginx.service', [], RESTARTS, 'nginx comes back by itself after a crash.'),
    toDropIn(
      'keepalived.service',
      // At boot the virtual IP must not come to a load balancer that does not listen yet.
      ['After=nginx.service'],
      RESTARTS,
      'keepalived comes back by itself after a crash, and starts after nginx.',
    ),
  ];
}

/**
 * Restart and time-outs are what RKE2's own unit has (RKE2 bundle/lib/systemd/system), said again because a host's
 * defaults (system.conf) may end the attempts while a link is away. The wait: without its address on the host, etcd and
 * the kubelet cannot bind `node-ip`.
 */
function toRke2DropIn({ edge }: Topology, node: TopologyNode): RenderedFile {
  const waits = edge.tailscale.enabled;
  const order = waits ? ['Wants=tailscaled.service', `After=tailscaled.service ${TAILSCALE_UNIT}`] : [];
  const wait = `ExecStartPre=/bin/sh -c 'until ip -4 -o address show to ${node.internalIp} | grep -q .; do sleep 2; done'`;
  return toDropIn(
    `rke2-${node.role}.service`,
    order,
    ['Restart=always', 'RestartSec=5s', 'TimeoutStartSec=0', ...(waits ? [wait] : [])],
    waits
      ? 'RKE2 starts after Tailscale, once its address is there, and is restarted without end.'
      : 'RKE2 is restarted without end, whatever the host’s defaults are.',
  );
}

const RESTARTS = ['Restart=on-failure', 'RestartSec=2s'];

function toDropIn(
  unit: string,
  order: readonly string[],
  service: readonly string[],
  purpose: string,
): RenderedFile {
  return toPlainFile({
    path: toDropInPath(unit),
    body: ['[Unit]', 'StartLimitIntervalSec=0', ...order, '', '[Service]', ...service, ''].join('\n'),
    purpose,
  });
}
