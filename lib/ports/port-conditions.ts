import { loadBalancers } from '@/lib/topology/find-node';
import type { Topology } from '@/lib/topology/topology';
import type { PortCondition } from './port-rule';

/** When a row of the matrix applies to a topology. */
export const PORT_CONDITIONS: Readonly<Record<PortCondition, (topology: Topology) => boolean>> = {
  always: () => true,
  'has-load-balancers': (topology) => loadBalancers(topology).length > 0,
  'manages-load-balancers': (topology) =>
    topology.registration.loadBalancer === 'managed' && loadBalancers(topology).length > 0,
  'has-ingress': ({ rke2 }) => rke2.ingressController !== 'none',
  'has-vxlan': ({ cilium }) => cilium.routing === 'tunnel' && cilium.tunnelProtocol === 'vxlan',
  'has-geneve': ({ cilium }) => cilium.routing === 'tunnel' && cilium.tunnelProtocol === 'geneve',
  'has-wireguard': ({ cilium }) => cilium.wireguard,
  'has-hubble-relay': ({ cilium }) => cilium.hubble.enabled && (cilium.hubble.relay || cilium.hubble.ui),
  'has-hubble-metrics': ({ cilium }) => cilium.hubble.enabled && cilium.hubble.metrics.length > 0,
  'has-agent-metrics': ({ cilium }) => cilium.prometheus,
  'exposes-etcd-metrics': ({ etcd }) => etcd.exposeMetrics,
  'shares-images': ({ edge }) => edge.embeddedRegistry,
  'has-tailscale': ({ edge }) => edge.tailscale.enabled,
};
