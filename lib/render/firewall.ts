import { listAddresses, toOpenings } from '@/lib/ports/to-openings';
import type { KnownEnd, Opening } from '@/lib/ports/to-openings';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { toPlainFile } from './plain-file';
import type { RenderedFile } from './rendered-file';

export const FIREWALL_PATH = '/etc/siteplan/firewall.nft';
const FIREWALL_UNIT_PATH = '/etc/systemd/system/siteplan-firewall.service';

/** The node's firewall and the unit that loads it, where the topology asks for nftables. */
export function renderFirewall(topology: Topology, node: TopologyNode): RenderedFile[] {
  if (topology.security.firewall !== 'nftables') return [];
  return [
    toPlainFile({
      path: FIREWALL_PATH,
      body: toRuleset(topology, node),
      purpose: 'What this node lets in, by the port matrix; everything else is dropped.',
    }),
    toPlainFile({
      path: FIREWALL_UNIT_PATH,
      body: UNIT,
      purpose: 'Loads the firewall before the network is up.',
    }),
  ];
}

/**
 * A table of our own and nothing of anybody else's: Cilium and Kubernetes keep theirs. Loading the file replaces the
 * table in one transaction (nft manual page: the empty declaration makes the delete work the first time too). Only
 * `input` is filtered: pods' traffic is Cilium's business.
 */
function toRuleset(topology: Topology, node: TopologyNode): string {
  const openings = toOpenings(topology, node);
  const isClusterNode = node.role !== 'lb';
  const ends = (['servers', 'agents', 'nodes', 'lbs'] as const).filter((end) =>
    openings.some(({ from }) => from === end),
  );
  return [
    'table inet siteplan',
    'delete table inet siteplan',
    'table inet siteplan {',
    ...ends.flatMap((end) => toSet(end, listAddresses(topology, end))),
    '  chain input {',
    '    type filter hook input priority filter; policy drop;',
    '    iif "lo" accept',
    '    ct state established,related accept',
    ...(isClusterNode ? toPodRules(topology) : []),
    ...HOST_RULES,
    ...openings.flatMap(toOpeningRules),
    '  }',
    '}',
    '',
  ].join('\n');
}

function toSet(end: KnownEnd, addresses: readonly string[]): string[] {
  return [`  set ${end} {`, '    type ipv4_addr', `    elements = { ${addresses.join(', ')} }`, '  }'];
}

/** Pods of this node call the API and the kubelet by Cilium's interfaces (RKE2 docs known_issues, firewalld). */
function toPodRules({ network }: Topology): string[] {
  return [
    '    iifname "cilium_*" accept',
    '    iifname "lxc*" accept',
    `    ip saddr ${network.clusterCidr} accept`,
    `    ip saddr ${network.serviceCidr} accept`,
  ];
}

/** What a host needs to have an address at all: DHCP, and IPv6's neighbour discovery. */
const HOST_RULES = [
  '    udp sport 67 udp dport 68 accept',
  '    udp sport 547 udp dport 546 accept',
  '    icmpv6 type { destination-unreachable, packet-too-big, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept',
];

function toOpeningRules({ ruleId, protocol, ports, from, why }: Opening): string[] {
  const source = from === 'anyone' ? '' : `ip saddr @${from} `;
  return [`    # ${why}`, `    ${source}${toMatch(protocol, ports)} accept comment "${ruleId}"`];
}

function toMatch(protocol: Opening['protocol'], ports: Opening['ports']): string {
  if (protocol === 'icmp') return 'icmp type echo-request';
  // nft knows 112 by the name `vrrp` only where /etc/protocols has it.
  if (protocol === 'vrrp') return 'ip protocol 112';
  const ranges = ports.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`));
  return `${protocol} dport { ${ranges.join(', ')} }`;
}

/** After nftables.service, whose own file begins with `flush ruleset` on Debian. */
const UNIT = `[Unit]
Description=Firewall of this node (Siteplan)
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target shutdown.target
After=local-fs.target systemd-modules-load.service nftables.service
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f ${FIREWALL_PATH}
ExecReload=/usr/sbin/nft -f ${FIREWALL_PATH}
ExecStop=/usr/sbin/nft delete table inet siteplan

[Install]
WantedBy=sysinit.target
`;
