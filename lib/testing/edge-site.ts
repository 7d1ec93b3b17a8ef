import { SecretId } from '@/lib/core/ids';
import { Topology } from '@/lib/topology/topology';
import type { TopologyInput } from '@/lib/topology/topology';
import { edgeLayout } from './edge-layout';
import { SERVER_TOKEN } from './example-layout';

/** A reference only; no value exists. */
export const TAILNET_KEY = { id: SecretId.parse('sec-tailnet'), version: 1 };

/** The edge layout with what is off by default switched on as well: key for the tailnet, segments, CIS profile, firewall. */
export function edgeSite(changes: Partial<TopologyInput> = {}): Topology {
  const layout = edgeLayout();
  return Topology.parse({
    ...layout,
    edge: {
      ...layout.edge,
      tailscale: { enabled: true, authKey: TAILNET_KEY, tags: ['tag:edge', 'tag:rke2'] },
    },
    cilium: {
      ...layout.cilium,
      policies: [
        {
          name: 'edge-cluster-isolation',
          namespace: 'shop',
          podLabels: { env: 'production' },
          otherNamespaces: ['billing'],
        },
      ],
    },
    security: { serverToken: SERVER_TOKEN, cisProfile: true, firewall: 'nftables' },
    ...changes,
  });
}
