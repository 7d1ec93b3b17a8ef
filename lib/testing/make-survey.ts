import type { HostSurvey } from '@/lib/health/survey';
import type { TopologyNode } from '@/lib/topology/topology';

/** Survey of a bare host that meets every check of `makeFacts`'s host. */
export function makeSurvey(node: TopologyNode, more: Partial<HostSurvey> = {}): HostSurvey {
  return {
    nodeId: node.id,
    links: [{ name: 'eth0', mtu: 1_500, speedMbit: 1_000 }],
    dataMount: { path: '/var/lib', source: '/dev/sda2', fsType: 'ext4', options: ['rw', 'relatime'] },
    dataTotalGiB: 200,
    isRotational: false,
    ntp: 'synchronised',
    leasedAddresses: [],
    routes: [{ to: '192.0.2.0/24', interface: 'eth0' }],
    modules: { overlay: 'there', br_netfilter: 'there', vxlan: 'there', geneve: 'there', wireguard: 'there' },
    sysctls: {
      'fs.inotify.max_user_instances': '8192',
      'fs.inotify.max_user_watches': '524288',
      'vm.panic_on_oom': '0',
      'vm.overcommit_memory': '1',
      'kernel.panic': '10',
      'kernel.panic_on_oops': '1',
    },
    hasEtcdUser: true,
    proxies: [],
    noProxy: [],
    leftovers: [],
    images: [],
    hasNodePassword: false,
    clusterNodes: null,
    hasKubeProxyManifest: false,
    etcdAddress: null,
    registration: null,
    tailscale: null,
    hasTailscaleDropRule: false,
    ...more,
  };
}
