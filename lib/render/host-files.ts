import type { Topology } from '@/lib/topology/topology';
import { toPlainFile } from './plain-file';
import type { RenderedFile } from './rendered-file';

export const SYSCTL_PATH = '/etc/sysctl.d/90-siteplan-rke2.conf';
export const MODULES_PATH = '/etc/modules-load.d/siteplan-rke2.conf';
export const NETWORK_MANAGER_PATH = '/etc/NetworkManager/conf.d/90-siteplan-rke2.conf';
const NETWORKD_PATH = '/etc/systemd/networkd.conf.d/90-siteplan-rke2.conf';

/** Files of the host itself below RKE2, the same on servers and agents, in the order in which they are placed. */
export function renderHostFiles(topology: Topology): RenderedFile[] {
  return [
    toHostFile(
      MODULES_PATH,
      toModules(topology),
      'Kernel modules that RKE2 and Cilium need, loaded at boot.',
    ),
    toHostFile(SYSCTL_PATH, toSysctl(topology), 'Kernel settings that RKE2 and Cilium need.'),
    toHostFile(
      NETWORK_MANAGER_PATH,
      NETWORK_MANAGER,
      'NetworkManager keeps its hands off Cilium’s interfaces.',
      {
        onlyWithUnit: 'NetworkManager.service',
      },
    ),
    toHostFile(NETWORKD_PATH, NETWORKD, 'systemd-networkd keeps the routes and rules that Cilium adds.', {
      onlyWithUnit: 'systemd-networkd.service',
    }),
  ];
}

/** (RKE2 docs known_issues; with Cilium the interfaces are cilium_* and lxc*.) */
const NETWORK_MANAGER = '[keyfile]\nunmanaged-devices=interface-name:cilium*;interface-name:lxc*\n';
/** Without these, networkd removes foreign routes and rules at its restart (Cilium docs system requirements). */
const NETWORKD = '[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n';

/** inotify limits: RKE2 docs known_issues. Forwarding: same place. The last block: RKE2 docs security/hardening_guide. */
function toSysctl({ security }: Topology): string {
  const settings: [string, string][] = [
    ['fs.inotify.max_user_instances', '8192'],
    ['fs.inotify.max_user_watches', '524288'],
    ['net.ipv4.ip_forward', '1'],
    ['net.ipv4.conf.all.forwarding', '1'],
  ];
  if (security.cisProfile) {
    settings.push(
      ['vm.panic_on_oom', '0'],
      ['vm.overcommit_memory', '1'],
      ['kernel.panic', '10'],
      ['kernel.panic_on_oops', '1'],
    );
  }
  return settings.map(([name, value]) => `${name} = ${value}\n`).join('');
}

function toModules({ cilium }: Topology): string {
  const modules = ['overlay', 'br_netfilter'];
  if (cilium.routing === 'tunnel') modules.push(cilium.tunnelProtocol);
  if (cilium.wireguard) modules.push('wireguard');
  return modules.map((name) => `${name}\n`).join('');
}

function toHostFile(
  path: string,
  body: string,
  purpose: string,
  options: { onlyWithUnit?: string } = {},
): RenderedFile {
  return { ...toPlainFile({ path, body, purpose }), onlyWithUnit: options.onlyWithUnit ?? null };
}
