import { toSafeLine } from '@/lib/core/text';
import { toYaml } from '@/lib/render/to-yaml';
import type { YamlValue } from '@/lib/render/to-yaml';
import { agents, loadBalancers, servers } from '@/lib/topology/find-node';
import { listHops } from '@/lib/topology/list-hops';
import { findRegistrationAddress } from '@/lib/topology/registration';
import type { Topology, TopologyNode } from '@/lib/topology/topology';

/**
 * The site as an Ansible inventory in YAML: groups `servers`, `agents` and `lbs`, and `cluster` for the first two; how to
 * reach each host, through its bastions by ProxyJump. No secret and no path of a key: those are the caller's. Only values of a
 * strict form are in it, because Ansible evaluates text in double braces: free text (zone, system, notes) stays out.
 */
export function toAnsibleInventory(siteName: string, revision: number, topology: Topology): string {
  const group = (nodes: readonly TopologyNode[]): YamlValue => ({
    hosts: Object.fromEntries(nodes.map((node) => [node.name, toHost(node)])),
  });
  const document = {
    all: {
      vars: {
        rke2_version: topology.rke2.version,
        rke2_registration_address: findRegistrationAddress(topology) ?? undefined,
        cluster_cidr: topology.network.clusterCidr,
        service_cidr: topology.network.serviceCidr,
        virtual_ip: topology.registration.vip,
      },
      children: {
        lbs: group(loadBalancers(topology)),
        cluster: { children: { servers: group(servers(topology)), agents: group(agents(topology)) } },
      },
    },
  };
  const title = toSafeLine(`Siteplan: ${siteName}, revision ${revision}`, 300);
  return `# ${title}. Without secrets: bring your keys, for instance by ssh-agent.\n${toYaml(document)}`;
}

function toHost(node: TopologyNode): YamlValue {
  const { ssh } = node;
  const jumps = listHops(ssh).map(({ user, address, port }) => {
    const host = address.includes(':') ? `[${address}]` : address;
    return `${user}@${host}:${port}`;
  });
  return {
    ansible_host: ssh.address ?? node.internalIp,
    ansible_port: ssh.port,
    ansible_user: ssh.user,
    ...(ssh.user !== 'root' && { ansible_become: true }),
    ...(jumps.length > 0 && { ansible_ssh_common_args: `-o ProxyJump=${jumps.join(',')}` }),
    internal_ip: node.internalIp,
    external_ip: node.externalIp,
    arch: node.arch,
    node_labels: node.labels,
    node_taints: node.taints.map(({ key, value, effect }) => `${key}=${value}:${effect}`),
  };
}
