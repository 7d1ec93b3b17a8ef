import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from './api-client';
import { kinds } from './api-resources';
import { reconcileBootstrapData } from './bootstrap-data';
import { keepDeployed } from './deploy';
import { EtcdClient } from './etcd-client';
import { formatKubeconfig } from './kubeconfig';
import type { KubeletConfig } from './kubelet';
import { toLayout } from './layout';
import type { Layout } from './layout';
import { log } from './log';
import { etcdConfigPath, formatEtcdConfig, serverPods } from './pod-manifests';
import { ensureServerCertificates } from './server-certificates';
import type { Settings } from './settings';
import { arePodsCurrent } from './static-pods';
import { startSupervisor } from './supervisor';
import type { SupervisorState } from './supervisor';
import { settleTokens, writeTokenFiles } from './tokens';
import { unpackTools } from './unpack-tools';

/**
 * `rke2 server`, first server of a cluster. The order is RKE2's: certificates, port 9345, kubelet, etcd, stored
 * bootstrap data against the token, API server, then READY to systemd. Throws the sentence to end with.
 *
 *   settings ─▶ certificates ─▶ 9345 ─▶ kubelet ─┬▶ etcd ─▶ bootstrap data ─▶ tokens
 *                                                └▶ kube-apiserver ─▶ node ─▶ READY ─▶ manifests, CNI
 */
export async function runServer(settings: Settings, version: string, self: string): Promise<void> {
  const layout = toLayout(settings.dataDir);
  const isFirstStart = !existsSync(join(layout.etcdDir, 'member'));
  if (settings.server !== null && isFirstStart) {
    throw new Error(`joining ${settings.server}: this stand-in does not join clusters yet`);
  }
  if (settings.server !== null) log.info('Managed etcd cluster already initialized, ignoring server address');
  for (const path of [
    layout.server,
    layout.agent,
    layout.db,
    layout.podManifests,
    layout.manifests,
    layout.agentLogs,
  ]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }
  unpackTools(layout, version, self);
  ensureServerCertificates(settings, layout, Date.now());
  const tokens = settleTokens(settings, layout);
  const client = new ApiClient('https://127.0.0.1:6443', {
    ca: join(layout.tls, 'server-ca'),
    certificate: join(layout.tls, 'client-supervisor'),
  });
  const state: SupervisorState = { passwords: null, isReady: () => client.isReady() };
  await startSupervisor(layout, settings.bindAddress, state);
  log.info(`Running server on ${settings.bindAddress}:9345`);
  writeEtcdConfig(settings, layout);
  const pods = serverPods(settings, layout, version);
  const [etcdPod, ...otherPods] = pods;
  writePods(layout, [etcdPod]);
  startKubelet(settings, layout, version, self);
  const etcd = new EtcdClient(layout);
  await waitUntil('etcd to answer', () => etcd.isServing());
  await reconcileBootstrapData(etcd, layout, tokens.server);
  writeTokenFiles(layout, tokens);
  state.passwords = tokens;
  writePods(layout, otherPods);
  writeKubeconfig(settings, layout);
  await waitUntil('static pods to start', async () => arePodsCurrent(layout));
  await waitUntil('apiserver to become ready', () => client.isReady());
  const deploying = keepDeployed(client, settings, layout);
  await waitUntil(`node ${settings.nodeName} to be registered`, async () => {
    return (await client.find(kinds.node, null, settings.nodeName).catch(() => null)) !== null;
  });
  notifyReady();
  log.info('rke2 is up and running');
  await deploying;
}

/** Waits without a limit, as the unit does, and says every 10 s what for. */
async function waitUntil(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (let round = 0; !(await condition()); round += 1) {
    if (round % 40 === 0) log.info(`Waiting for ${what}`);
    await delay(250);
  }
}

function writeEtcdConfig(settings: Settings, layout: Layout): void {
  mkdirSync(layout.etcdDir, { recursive: true, mode: 0o700 });
  const namePath = join(layout.etcdDir, 'name');
  // A member keeps its name for life: node name and eight hex digits (facts 3.2).
  if (!existsSync(namePath))
    writeFileSync(namePath, `${settings.nodeName}-${randomBytes(4).toString('hex')}`, { mode: 0o600 });
  const name = readFileSync(namePath, 'utf8').trim();
  const config = formatEtcdConfig(settings, layout, name, `${name}=https://${settings.nodeIp}:2380`, true);
  writeFileSync(etcdConfigPath(layout), config, { mode: 0o600 });
}

function writePods(
  layout: Layout,
  pods: readonly (ReturnType<typeof serverPods>[number] | undefined)[],
): void {
  for (const pod of pods) {
    if (pod === undefined) continue;
    const path = join(layout.podManifests, `${pod.metadata.name}.yaml`);
    writeFileSync(path, `${JSON.stringify(pod, null, 2)}\n`, { mode: 0o600 });
  }
}

function startKubelet(settings: Settings, layout: Layout, version: string, self: string): void {
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
    apiServer: 'https://127.0.0.1:6443',
  };
  mkdirSync(dirname(layout.kubeletConfig), { recursive: true });
  writeFileSync(layout.kubeletConfig, JSON.stringify(config, null, 2), { mode: 0o600 });
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

function writeKubeconfig(settings: Settings, layout: Layout): void {
  const read = (name: string) => readFileSync(join(layout.tls, name), 'utf8');
  const text = formatKubeconfig({
    server: 'https://127.0.0.1:6443',
    caCertificate: read('server-ca.crt'),
    clientCertificate: read('client-admin.crt'),
    clientKey: read('client-admin.key'),
    toBase64: (value) => Buffer.from(value).toString('base64'),
  });
  mkdirSync(dirname(settings.kubeconfigPath), { recursive: true });
  writeFileSync(settings.kubeconfigPath, text, { mode: 0o600 });
  chmodSync(settings.kubeconfigPath, Number.parseInt(settings.kubeconfigMode, 8));
  log.info(`Wrote kubeconfig ${settings.kubeconfigPath}`);
}

/** Tells systemd; outside a unit there is nobody to tell. */
function notifyReady(): void {
  try {
    execFileSync('systemd-notify', [`--pid=${process.pid}`, '--ready', '--status=stand-in server is up'], {
      stdio: 'ignore',
    });
  } catch {
    log.warn('no service manager to notify');
  }
}
