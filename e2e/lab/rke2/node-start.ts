import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeletConfig } from './kubelet';
import type { Layout } from './layout';
import { log } from './log';
import type { Settings } from './settings';

/** Waits without a limit, as the unit does, and says every 10 s what for. */
export async function waitUntil(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (let round = 0; !(await condition()); round += 1) {
    if (round % 40 === 0) log.info(`Waiting for ${what}`);
    await delay(250);
  }
}

/** Starts the kubelet of a server or an agent; when it ends, so does this process. */
export function startKubelet(
  settings: Settings,
  layout: Layout,
  version: string,
  self: string,
  apiServer: string,
): void {
  const config: KubeletConfig = {
    dataDir: settings.dataDir,
    version,
    nodeName: settings.nodeName,
    nodeIp: settings.nodeIp,
    nodeExternalIp: settings.nodeExternalIp,
    isServer: settings.role === 'server',
    labels: settings.nodeLabels,
    taints: settings.nodeTaints,
    args: settings.args.kubelet,
    apiServer,
  };
  mkdirSync(dirname(layout.kubeletConfig), { recursive: true });
  writeFileSync(layout.kubeletConfig, JSON.stringify(config, null, 2), { mode: 0o600 });
  writeKubeletKubeconfig(layout, apiServer);
  const output = openSync(join(layout.agentLogs, 'kubelet.log'), 'a', 0o600);
  // The unit's ExecStopPost ends what is called "kubelet" in the service's cgroup.
  const child = spawn(process.execPath, [self, 'kubelet', layout.kubeletConfig], {
    argv0: 'kubelet',
    // Without NOTIFY_SOCKET: etcd would speak to systemd in the service's name.
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', NODE_ENV: 'production' },
    stdio: ['ignore', output, output],
  });
  log.info(`Running kubelet ${settings.args.kubelet.join(' ')}`);
  child.on('exit', (code, signal) => {
    log.error(`Kubelet exited: ${code ?? signal}`);
    process.exit(1);
  });
}

/** With it root of an agent, which has no admin kubeconfig, may read its own Node (RKE2 docs cluster_access). */
function writeKubeletKubeconfig(layout: Layout, apiServer: string): void {
  const at = (name: string) => join(layout.agent, name);
  const text = `apiVersion: v1
kind: Config
clusters:
- cluster:
    certificate-authority: ${at('server-ca.crt')}
    server: ${apiServer}
  name: local
contexts:
- context:
    cluster: local
    user: user
  name: Default
current-context: Default
users:
- name: user
  user:
    client-certificate: ${at('client-kubelet.crt')}
    client-key: ${at('client-kubelet.key')}
`;
  writeFileSync(at('kubelet.kubeconfig'), text, { mode: 0o600 });
}

/** Tells systemd; outside a unit there is nobody to tell. */
export function notifyReady(status: string): void {
  try {
    execFileSync('systemd-notify', [`--pid=${process.pid}`, '--ready', `--status=${status}`], {
      stdio: 'ignore',
    });
  } catch {
    log.warn('no service manager to notify');
  }
}
