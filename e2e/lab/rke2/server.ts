import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from './api-client';
import { kinds } from './api-resources';
import { findBootstrapFiles, storeBootstrapFiles } from './bootstrap-data';
import type { ClusterAccess } from './cluster-access';
import { keepDeployed } from './deploy';
import { EtcdClient } from './etcd-client';
import { fetchBootstrap, joinEtcd } from './join-server';
import { formatKubeconfig } from './kubeconfig';
import { toLayout } from './layout';
import type { Layout } from './layout';
import { log, toMessage } from './log';
import { readMemberName } from './member-name';
import { keepMembership } from './member-controller';
import { watchForRemoval } from './member-removal';
import { checkNodePassword, ensureNodePassword, nodePasswordRejected } from './node-password';
import { notifyReady, startKubelet, waitUntil } from './node-start';
import { etcdConfigPath, formatEtcdConfig, serverPods } from './pod-manifests';
import type { PodManifest } from './pod-manifests';
import { ensureServerCertificates } from './server-certificates';
import type { Settings } from './settings';
import { arePodsCurrent } from './static-pods';
import { startSupervisor } from './supervisor';
import type { SupervisorState } from './supervisor-state';
import { settleTokens, writeTokenFiles } from './tokens';
import { unpackTools } from './unpack-tools';

/**
 * `rke2 server`. The order is RKE2's: join or first start, certificates, port 9345, kubelet, etcd, stored bootstrap
 * data against the token, API server, then READY to systemd. Throws the sentence to end with.
 *
 *   settings ─▶ [CAs of the cluster] ─▶ certificates ─▶ 9345 ─▶ kubelet ─▶ [member added] ─▶ etcd, voting
 *      └▶ bootstrap data ─▶ tokens ─▶ kube-apiserver ─▶ node ─▶ READY ─▶ manifests, CNI, membership
 */
export async function runServer(settings: Settings, version: string, self: string): Promise<void> {
  const layout = toLayout(settings.dataDir);
  makeFolders(layout);
  moveRemovedMember(layout);
  rmSync(layout.resetFlag, { force: true });
  const isFirstStart = !existsSync(join(layout.etcdDir, 'member'));
  if (settings.server !== null && !isFirstStart)
    log.info('Managed etcd cluster already initialized, ignoring server address');
  const access = settings.server !== null && isFirstStart ? await fetchBootstrap(settings, layout) : null;
  unpackTools(layout, version, self);
  ensureServerCertificates(settings, layout, Date.now());
  const tokens = settleTokens(settings, layout);
  const client = new ApiClient('https://127.0.0.1:6443', {
    ca: join(layout.tls, 'server-ca'),
    certificate: join(layout.tls, 'client-supervisor'),
  });
  const etcd = new EtcdClient(layout);
  const state: SupervisorState = { layout, settings, passwords: null, etcd, client };
  await startSupervisor(state);
  log.info(`Running server on ${settings.bindAddress}:9345`);
  const [etcdPod, ...otherPods] = serverPods(settings, layout, version);
  startKubelet(settings, layout, version, self, 'https://127.0.0.1:6443');
  await writeEtcdConfig(settings, layout, access);
  writePods(layout, [etcdPod]);
  const removal = watchForRemoval(layout);
  await waitUntil('etcd to answer', () => etcd.isServing());
  await waitUntil('etcd to have a leader and this member to vote', () => etcd.hasQuorum());
  const stored = await findBootstrapFiles(etcd, tokens.server);
  if (stored === null) await storeBootstrapFiles(etcd, layout, tokens.server);
  writeTokenFiles(layout, tokens);
  state.passwords = tokens;
  writePods(layout, otherPods);
  writeKubeconfig(settings, layout);
  await waitUntil('static pods to start', async () => arePodsCurrent(layout));
  await waitUntil('apiserver to become ready', () => client.isReady());
  await claimNodeName(client, settings);
  const deploying = keepDeployed(client, settings, layout);
  const membership = keepMembership(etcd, client);
  await waitUntil(`node ${settings.nodeName} to be registered`, async () => {
    return (await client.find(kinds.node, null, settings.nodeName).catch(() => null)) !== null;
  });
  notifyReady('stand-in server is up');
  log.info('rke2 is up and running');
  await Promise.all([deploying, membership, removal]);
}

function makeFolders(layout: Layout): void {
  const { server, agent, db, podManifests, manifests, agentLogs } = layout;
  for (const path of [server, agent, db, podManifests, manifests, agentLogs])
    mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** A member that was removed from the cluster left a tombstone; it joins again as a new one (facts 3.4). */
function moveRemovedMember(layout: Layout): void {
  if (!existsSync(layout.tombstone)) return;
  log.info('tombstone file has been detected, removing data dir to rejoin the cluster');
  renameSync(layout.etcdDir, join(layout.db, `etcd-old-${Math.floor(Date.now() / 1000)}`));
}

/** Waits for ever with RKE2's sentence while another host is registered under this node's name. */
async function claimNodeName(client: ApiClient, settings: Settings): Promise<void> {
  const password = ensureNodePassword();
  for (;;) {
    const isOurs = await checkNodePassword(client, settings.nodeName, password).catch(toMessage);
    if (isOurs === true) return;
    const reason = isOurs === false ? nodePasswordRejected : isOurs;
    log.info(`Waiting to retrieve agent configuration; server is not ready: ${reason}`);
    await delay(5_000);
  }
}

async function writeEtcdConfig(
  settings: Settings,
  layout: Layout,
  access: ClusterAccess | null,
): Promise<void> {
  const name = readMemberName(settings, layout);
  const alone = `${name}=https://${settings.nodeIp}:2380`;
  const cluster = access === null ? alone : await joinEtcd(access, settings, layout, name);
  const config = formatEtcdConfig(settings, layout, name, cluster, access === null);
  writeFileSync(etcdConfigPath(layout), config, { mode: 0o600 });
}

function writePods(layout: Layout, pods: readonly (PodManifest | undefined)[]): void {
  for (const pod of pods) {
    if (pod === undefined) continue;
    const path = join(layout.podManifests, `${pod.metadata.name}.yaml`);
    writeFileSync(path, `${JSON.stringify(pod, null, 2)}\n`, { mode: 0o600 });
  }
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
