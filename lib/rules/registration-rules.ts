import { findIpv4, hasAddress, parseCidr } from '@/lib/core/cidr';
import { loadBalancers, servers } from '@/lib/topology/find-node';
import { apiSans } from '@/lib/topology/registration';
import type { TopologyEdit } from '@/lib/topology/edit-topology';
import type { Topology } from '@/lib/topology/topology';
import { isOnTailnet } from './network-rules';
import { toHit, toSetFix } from './rule';
import type { Rule } from './rule';

const HA = 'RKE2 docs install/ha';

/** The fixed address, the load balancers behind it and the names in the certificate. */
export const REGISTRATION_RULES: readonly Rule[] = [
  {
    id: 'registration-address-missing',
    severity: 'error',
    source: HA,
    find: ({ registration: { via, vip, dnsName } }) => {
      if (via === 'vip' && vip === undefined)
        return [
          toHit(
            ['registration', 'vip'],
            'Agents join by a virtual IP, but none is entered. Take an unused address of the nodes’ network.',
          ),
        ];
      if (via === 'dns' && dnsName === undefined)
        return [toHit(['registration', 'dnsName'], 'Agents join by a DNS name, but none is entered.')];
      return [];
    },
  },
  {
    id: 'registration-not-fixed',
    severity: 'warning',
    source: HA,
    find: (topology) => {
      const { via, vip, dnsName, loadBalancer } = topology.registration;
      if (via !== 'server' || servers(topology).length < 2) return [];
      const way = vip ? 'vip' : dnsName ? 'dns' : null;
      return [
        toHit(
          ['registration', 'via'],
          'Agents join by the first server’s own address, so while it is away none can join. Use a virtual IP or a DNS name.',
          way && {
            title: way === 'vip' ? `Join by ${vip}` : `Join by ${dnsName}`,
            edits: [
              { op: 'set', path: ['registration', 'via'], value: way },
              ...(way === 'vip' && loadBalancer === 'none' ? [toHolderEdit(topology)] : []),
            ],
          },
        ),
      ];
    },
  },
  {
    id: 'vip-without-holder',
    severity: 'error',
    source: HA,
    find: (topology) => {
      const { via, loadBalancer } = topology.registration;
      if (via !== 'vip' || loadBalancer !== 'none') return [];
      const edit = toHolderEdit(topology);
      const title =
        edit.value === 'managed'
          ? 'Let Siteplan set up the load balancers'
          : 'Say that the load balancer is somebody else’s';
      return [
        toHit(['registration', 'loadBalancer'], 'Agents join by a virtual IP that no load balancer holds.', {
          title,
          edits: [edit],
        }),
      ];
    },
  },
  {
    id: 'lb-missing',
    severity: 'error',
    source: HA,
    find: (topology) =>
      topology.registration.loadBalancer === 'managed' && loadBalancers(topology).length === 0
        ? [
            toHit(
              ['registration', 'loadBalancer'],
              'Siteplan is to set up load balancers, but no node has the role lb.',
              toSetFix(
                'Say that the load balancer is somebody else’s',
                ['registration', 'loadBalancer'],
                'external',
              ),
            ),
          ]
        : [],
  },
  {
    id: 'lb-single',
    severity: 'warning',
    source: HA,
    find: (topology) =>
      topology.registration.loadBalancer === 'managed' && loadBalancers(topology).length === 1
        ? [
            toHit(
              ['nodes'],
              'One load balancer: while it is away the API cannot be reached by its fixed address. Add a second one.',
            ),
          ]
        : [],
  },
  {
    id: 'lb-unused',
    severity: 'warning',
    source: HA,
    find: (topology) =>
      topology.registration.loadBalancer !== 'managed' && loadBalancers(topology).length > 0
        ? [
            toHit(
              ['registration', 'loadBalancer'],
              'There are nodes with the role lb, but Siteplan is not to set them up.',
              canManage(topology)
                ? toSetFix('Let Siteplan set them up', ['registration', 'loadBalancer'], 'managed')
                : null,
            ),
          ]
        : [],
  },
  {
    id: 'lb-without-vip',
    severity: 'warning',
    source: HA,
    find: (topology) => {
      const { loadBalancer, via, vip } = topology.registration;
      if (loadBalancer !== 'managed' || via === 'vip' || vip !== undefined) return [];
      if (loadBalancers(topology).length < 2) return [];
      return [
        toHit(
          ['registration', 'vip'],
          'No virtual IP moves between the load balancers, so clients of the one that fails wait for DNS. Enter a virtual IP.',
        ),
      ];
    },
  },
  {
    id: 'lb-interface-missing',
    severity: 'error',
    source: 'keepalived manual page, vrrp_instance',
    find: (topology) => {
      const { loadBalancer, vip, interface: name } = topology.registration;
      if (
        loadBalancer !== 'managed' ||
        vip === undefined ||
        name !== undefined ||
        loadBalancers(topology).length === 0
      )
        return [];
      return [
        toHit(
          ['registration', 'interface'],
          'keepalived must know on which interface it puts the virtual IP. Enter the name that both load balancers have, such as eth0.',
        ),
      ];
    },
  },
  {
    id: 'vip-outside-network',
    severity: 'error',
    source: 'RFC 5798 (VRRP works on one LAN)',
    find: ({ registration: { vip }, network: { nodeCidr } }) => {
      const address = findIpv4(vip ?? '');
      if (address === null || nodeCidr === undefined || hasAddress(parseCidr(nodeCidr), address)) return [];
      return [
        toHit(
          ['registration', 'vip'],
          `${vip} is not in the nodes’ network ${nodeCidr}, so no host there would answer for it.`,
        ),
      ];
    },
  },
  {
    id: 'vip-on-tailnet',
    severity: 'error',
    source: 'RFC 5798 (VRRP works on one LAN); Tailscale documentation (each machine has its own address)',
    find: (topology) => {
      const { vip, loadBalancer } = topology.registration;
      if (vip === undefined || loadBalancer !== 'managed' || !isVrrpOnTailnet(topology)) return [];
      return [
        toHit(
          ['registration', 'vip'],
          `${vip} cannot move from one load balancer to the other over the tailnet, where Tailscale gives each address to one machine. Use addresses of the LAN for both and for the virtual IP.`,
        ),
      ];
    },
  },
  {
    id: 'vip-taken',
    severity: 'error',
    source: 'RFC 5798',
    find: ({ registration: { vip }, nodes }) =>
      nodes
        .filter(
          ({ internalIp, externalIp }) => vip !== undefined && (internalIp === vip || externalIp === vip),
        )
        .map(({ name }) =>
          toHit(
            ['registration', 'vip'],
            `${vip} is the address of ${name}. A virtual IP must be nobody’s own.`,
          ),
        ),
  },
  {
    id: 'san-ssh-address',
    severity: 'info',
    source: 'RKE2 docs install/ha (tls-san)',
    find: (topology) => {
      const known = new Set(apiSans(topology));
      return topology.nodes.flatMap(({ role, name, ssh }, place) => {
        if (role === 'agent' || ssh.address === undefined || ssh.bastion || known.has(ssh.address)) return [];
        return [
          toHit(
            ['nodes', place, 'ssh', 'address'],
            `${name} is reached at ${ssh.address}, which is not in the API’s certificate; kubectl by that address would fail.`,
            toSetFix(
              `Add ${ssh.address} to the certificate`,
              ['security', 'extraSans'],
              [...topology.security.extraSans, ssh.address],
            ),
          ),
        ];
      });
    },
  },
  {
    id: 'san-duplicate',
    severity: 'info',
    source: 'Siteplan',
    find: ({ security: { extraSans } }) => {
      const unique = [...new Set(extraSans)];
      if (unique.length === extraSans.length) return [];
      return [
        toHit(
          ['security', 'extraSans'],
          'A name stands twice among the extra names of the certificate.',
          toSetFix('Keep each once', ['security', 'extraSans'], unique),
        ),
      ];
    },
  },
];

/** True where Siteplan has all it needs for load balancers of its own. */
function canManage(topology: Topology): boolean {
  const { vip, interface: name } = topology.registration;
  const isEntered = loadBalancers(topology).length > 0 && vip !== undefined && name !== undefined;
  return isEntered && !isVrrpOnTailnet(topology);
}

function isVrrpOnTailnet(topology: Topology): boolean {
  const holders = loadBalancers(topology).map(({ internalIp }) => internalIp);
  return [topology.registration.vip, ...holders].some(isOnTailnet);
}

/** Says who holds the virtual IP: our load balancers where everything for them is entered, else somebody else's. */
function toHolderEdit(topology: Topology): Extract<TopologyEdit, { op: 'set' }> {
  const value = canManage(topology) ? 'managed' : 'external';
  return { op: 'set', path: ['registration', 'loadBalancer'], value };
}
