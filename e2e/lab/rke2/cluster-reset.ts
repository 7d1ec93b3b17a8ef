import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findBootstrapFiles, writeBootstrapFiles } from './bootstrap-data';
import { EtcdClient } from './etcd-client';
import { toLayout } from './layout';
import type { Layout } from './layout';
import { exitFatal, log } from './log';
import { listMembers } from './members';
import { readMemberName } from './member-name';
import { nodePasswordSecret } from './node-password';
import { formatEtcdConfig } from './pod-manifests';
import { ensureServerCertificates } from './server-certificates';
import type { Settings } from './settings';
import { StaticPods, readPodRecords } from './static-pods';
import { parseToken } from './token';

const done =
  'Managed etcd cluster membership has been reset, restart without --cluster-reset flag now. ' +
  'Backup and delete ${datadir}/server/db on each peer etcd server and rejoin the nodes';

/**
 * `rke2 server --cluster-reset [--cluster-reset-restore-path=FILE]`: makes this host's member, or the snapshot, the
 * only member of the cluster, then ends (facts 3.5, 7.2). Throws RKE2's sentence when a server runs, when a reset was
 * done and no normal start since, when there is no such snapshot, and when the token does not open the data.
 */
export async function resetCluster(settings: Settings): Promise<void> {
  const layout = toLayout(settings.dataDir);
  const snapshot = settings.clusterResetRestorePath;
  if (snapshot === null && existsSync(layout.resetFlag)) {
    throw new Error(
      'cluster-reset was successfully performed, please remove the cluster-reset flag and start rke2 normally, ' +
        `if you need to perform another cluster reset, you must first manually delete the ${layout.resetFlag} file`,
    );
  }
  if (snapshot !== null && !existsSync(snapshot))
    throw new Error(`etcd: snapshot path does not exist: ${snapshot}`);
  if (snapshot === null && !existsSync(join(layout.etcdDir, 'member')))
    throw new Error('Error: etcd datastore is not started: there is no data to reset');
  await requireFreePort();
  await endStaticPods(layout);
  mkdirSync(layout.agent, { recursive: true, mode: 0o700 });
  ensureServerCertificates(settings, layout, Date.now());
  const name = readMemberName(settings, layout);
  if (snapshot !== null) restore(settings, layout, name, snapshot);
  const etcd = await startAlone(settings, layout, name);
  try {
    await settleData(new EtcdClient(layout), settings, layout);
  } finally {
    etcd.kill('SIGTERM');
    if (etcd.exitCode === null && etcd.signalCode === null) await once(etcd, 'exit');
  }
  writeFileSync(layout.resetFlag, '', { mode: 0o600 });
  log.info(done);
}

/** A running server would have its data taken from under it. */
async function requireFreePort(): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', () => reject(new Error('listen tcp :9345: bind: address already in use')));
    server.listen(9345, '0.0.0.0', resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}

/** Stopping the service left them running. */
async function endStaticPods(layout: Layout): Promise<void> {
  if (existsSync(layout.podManifests)) {
    for (const file of readdirSync(layout.podManifests)) rmSync(join(layout.podManifests, file));
  }
  const pods = new StaticPods(layout);
  while (readPodRecords().length > 0) {
    pods.reconcile(Date.now());
    await delay(200);
  }
}

function restore(settings: Settings, layout: Layout, name: string, snapshot: string): void {
  log.info(`Starting etcd snapshot restore from ${snapshot}`);
  const part = `${layout.etcdDir}.part`;
  rmSync(part, { recursive: true, force: true });
  const peerUrl = `https://${settings.nodeIp}:2380`;
  const member = ['--name', name, '--initial-cluster', `${name}=${peerUrl}`];
  execFileSync(
    'etcdctl',
    [
      'snapshot',
      'restore',
      snapshot,
      '--data-dir',
      part,
      ...member,
      '--initial-advertise-peer-urls',
      peerUrl,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const old = join(layout.db, `etcd-old-${Math.floor(Date.now() / 1000)}`);
  renameSync(layout.etcdDir, old);
  log.info(`Pre-restore etcd database moved to ${old}`);
  renameSync(part, layout.etcdDir);
  writeFileSync(join(layout.etcdDir, 'name'), name, { mode: 0o600 });
}

/** Starts etcd as the only member of its cluster, whatever the data says of others. */
async function startAlone(settings: Settings, layout: Layout, name: string): Promise<ChildProcess> {
  const config = join(layout.db, 'reset-config');
  const alone = `${name}=https://${settings.nodeIp}:2380`;
  const text = formatEtcdConfig(settings, layout, name, alone, true);
  writeFileSync(config, `force-new-cluster: true\n${text}`, { mode: 0o600 });
  const child = spawn('etcd', ['--config-file', config], { stdio: ['ignore', 'ignore', 'inherit'] });
  child.on('error', (error) => exitFatal(`etcd: ${error.message}`));
  const etcd = new EtcdClient(layout);
  while (!(await etcd.hasQuorum())) {
    if (child.exitCode !== null)
      throw new Error(`etcd ended with ${child.exitCode}; its last words are above`);
    await delay(250);
  }
  rmSync(config);
  const members = await listMembers(etcd);
  log.info(`Cluster membership after reset: ${members.map((member) => member.name).join()}`);
  return child;
}

async function settleData(etcd: EtcdClient, settings: Settings, layout: Layout): Promise<void> {
  const token = settings.token ?? (existsSync(layout.token) ? readFileSync(layout.token, 'utf8') : null);
  if (token === null) throw new Error('Error: --token is required: the bootstrap data is encrypted with it');
  const files = await findBootstrapFiles(etcd, parseToken(token).password);
  // This host may be another one than the one that the data knows by its node name.
  const secret = await etcd.get(`/registry/secrets/kube-system/${nodePasswordSecret(settings.nodeName)}`);
  if (secret !== null) await etcd.deleteIf(secret.key, secret.revision);
  // Last: from here on this etcd and its client trust different CAs when the data came from another host.
  if (files !== null) writeBootstrapFiles(layout, files);
}
