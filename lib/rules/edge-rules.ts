import { clusterNodes, servers } from '@/lib/topology/find-node';
import { isOnTailnet, nodesOnTailnet } from './network-rules';
import { toHit, toSetFix } from './rule';
import type { Rule } from './rule';

const TAILNET = 'Tailscale documentation; RKE2 docs reference/server_config (advertise-address)';

/** Tailscale and other adaptations for thin links. */
export const EDGE_RULES: readonly Rule[] = [
  {
    id: 'external-ip-on-tailnet',
    severity: 'info',
    source: TAILNET,
    find: ({ nodes }) =>
      nodes.flatMap(({ role, name, internalIp, externalIp }, place) =>
        role === 'server' && isOnTailnet(externalIp) && !isOnTailnet(internalIp)
          ? [
              toHit(
                ['nodes', place, 'externalIp'],
                `RKE2 would advertise ${externalIp} as the API’s address, and agents on the LAN would dial the tailnet. Siteplan advertises ${internalIp} and keeps both in ${name}’s certificate.`,
              ),
            ]
          : [],
      ),
  },
  {
    id: 'etcd-over-tailnet',
    severity: 'warning',
    source: 'etcd documentation, tuning; RKE2 docs install/ha',
    find: (topology) => {
      const stretched = servers(topology).filter(({ internalIp }) => isOnTailnet(internalIp));
      return stretched.length > 1
        ? [
            toHit(
              ['nodes'],
              `${stretched.length} servers talk etcd over the tailnet, where delay and relays cost leaders. Use one server at the edge, or a LAN between them.`,
            ),
          ]
        : [];
    },
  },
  {
    id: 'mixed-underlay',
    severity: 'warning',
    source: TAILNET,
    find: (topology) => {
      const tailnet = nodesOnTailnet(topology).length;
      const all = clusterNodes(topology).length;
      return tailnet > 0 && tailnet < all
        ? [
            toHit(
              ['nodes'],
              `${tailnet} of ${all} nodes have their internal address on the tailnet, the others do not, so half of the paths between pods may be missing. Use one network for all internal addresses.`,
            ),
          ]
        : [];
    },
  },
  {
    id: 'tailnet-without-tailscale',
    severity: 'warning',
    source: TAILNET,
    find: (topology) =>
      nodesOnTailnet(topology).length > 0 && !topology.edge.tailscale.enabled
        ? [
            toHit(
              ['edge', 'tailscale', 'enabled'],
              'Internal addresses are on the tailnet, but Siteplan does not look after Tailscale here, so RKE2 may start before its address exists.',
              toSetFix('Look after Tailscale', ['edge', 'tailscale', 'enabled'], true),
            ),
          ]
        : [],
  },
  {
    id: 'tailscale-untagged',
    severity: 'info',
    source: 'Tailscale documentation, key expiry and tags',
    find: ({ edge: { tailscale } }) =>
      tailscale.enabled && tailscale.tags.length === 0
        ? [
            toHit(
              ['edge', 'tailscale', 'tags'],
              'Keys of machines without a tag expire, usually after 180 days, and the node drops off the tailnet. Enter a tag such as tag:edge.',
            ),
          ]
        : [],
  },
  {
    id: 'images-over-tailnet',
    severity: 'warning',
    source: 'RKE2 docs install/registry_mirror',
    find: (topology) =>
      topology.edge.embeddedRegistry && nodesOnTailnet(topology).length > 0
        ? [
            toHit(
              ['edge', 'embeddedRegistry'],
              'Nodes would hand images to each other over slow links. Use a registry mirror at the site.',
              toSetFix('Switch it off', ['edge', 'embeddedRegistry'], false),
            ),
          ]
        : [],
  },
  {
    id: 'mirror-twice',
    severity: 'error',
    source: 'RKE2 docs install/private_registry',
    find: ({ edge: { registryMirrors } }) => {
      const isLater = (place: number) =>
        registryMirrors.findIndex(({ registry }) => registry === registryMirrors[place]?.registry) < place;
      const kept = registryMirrors.filter((_, place) => !isLater(place));
      return registryMirrors.flatMap(({ registry }, place) =>
        isLater(place)
          ? [
              toHit(
                ['edge', 'registryMirrors', place],
                `${registry} has mirrors further up already; only one entry can count.`,
                toSetFix('Keep the first', ['edge', 'registryMirrors'], kept),
              ),
            ]
          : [],
      );
    },
  },
  {
    id: 'shaping-needs-uplink',
    severity: 'error',
    source: 'tc-htb manual page',
    find: ({ edge: { trafficShaping } }) =>
      trafficShaping.enabled && trafficShaping.uplinkKbit === undefined
        ? [
            toHit(
              ['edge', 'trafficShaping', 'uplinkKbit'],
              'Traffic shaping needs the uplink’s rate; without it there is nothing to share out.',
              toSetFix('Switch shaping off', ['edge', 'trafficShaping', 'enabled'], false),
            ),
          ]
        : [],
  },
];
