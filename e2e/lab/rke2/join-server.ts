import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writeBootstrapFiles } from './bootstrap-data';
import { accessCluster } from './cluster-access';
import type { ClusterAccess } from './cluster-access';
import { EtcdClient } from './etcd-client';
import type { Layout } from './layout';
import { log, toMessage } from './log';
import { addLearner, nodeOfMember } from './members';
import type { EtcdMember } from './members';
import type { Settings } from './settings';
import { toClusterConfig } from './supervisor-routes';
import type { ClusterConfig } from './supervisor-routes';
import { parseToken } from './token';

/**
 * The first half of a server's join: proves itself at `server`, compares the critical values, and takes the cluster's
 * CAs and keys. Throws RKE2's sentence for a wrong token, another CA, or values that differ (facts 2.3, 3.1, 3.3).
 */
export async function fetchBootstrap(settings: Settings, layout: Layout): Promise<ClusterAccess> {
  const url = settings.server ?? '';
  if (settings.token === null) throw new Error('Error: --token is required');
  const token = parseToken(settings.token);
  const failed = 'Error: preparing server: failed to bootstrap cluster data';
  const access = await accessCluster(url, token, 'server').catch((error: unknown) => {
    throw new Error(
      `${failed}: failed to check if bootstrap data has been initialized: failed to validate token: ${toMessage(error)}`,
    );
  });
  const agentPassword =
    settings.agentToken === null ? token.password : parseToken(settings.agentToken).password;
  const ours = toClusterConfig(settings, agentPassword).critical;
  const answer = await access.request('/v1-rke2/config');
  // Another server of the same version wrote it.
  const theirs = (JSON.parse(answer.text) as ClusterConfig).critical;
  const differing = Object.keys(ours).filter((name) => ours[name] !== theirs[name]);
  for (const name of differing) {
    log.warn(`critical configuration mismatched: ${name}`);
    if (settings.debug && name !== 'agent-token')
      log.debug(`${name}: this server ${ours[name]}, cluster ${theirs[name]}`);
  }
  if (differing.length > 0)
    throw new Error(
      `${failed}: failed to validate server configuration: critical configuration value mismatch between servers`,
    );
  const files = await access.request('/v1-rke2/server-bootstrap');
  writeBootstrapFiles(layout, JSON.parse(files.text) as Record<string, string>);
  return access;
}

/**
 * The second half: adds this host's member as a learner and returns etcd's `initial-cluster`. Waits while another
 * server is joining, as RKE2 has done since it stopped to exit then (facts 3.2). Throws RKE2's sentence when a member
 * of this node's name is there already.
 */
export async function joinEtcd(
  access: ClusterAccess,
  settings: Settings,
  layout: Layout,
  memberName: string,
): Promise<string> {
  for (;;) {
    try {
      return await addMember(await readMembers(access), settings, layout, memberName);
    } catch (error) {
      const words = toMessage(error);
      if (error instanceof DuplicateNodeError) {
        // Another name for the member once the node has one of its own.
        rmSync(join(layout.etcdDir, 'name'), { force: true });
        throw new Error(`etcd cluster join failed: ${words}`);
      }
      log.info(`Waiting for other members to finish joining etcd cluster: ${words}`);
    }
    await delay(1_000);
  }
}

class DuplicateNodeError extends Error {}

async function readMembers(access: ClusterAccess): Promise<EtcdMember[]> {
  const answer = await access.request('/db/info');
  return JSON.parse(answer.text) as EtcdMember[];
}

async function addMember(
  members: readonly EtcdMember[],
  settings: Settings,
  layout: Layout,
  memberName: string,
): Promise<string> {
  const peerUrl = `https://${settings.nodeIp}:2380`;
  const isOurs = (member: EtcdMember) =>
    member.name === memberName || (member.name === '' && member.peerUrls.includes(peerUrl));
  const others = members.filter((member) => !isOurs(member));
  if (others.some((member) => nodeOfMember(member.name) === settings.nodeName))
    throw new DuplicateNodeError('duplicate node name found, please use a unique name for this node');
  const cluster = others.map((member) => `${member.name}=${member.peerUrls[0] ?? ''}`);
  if (others.length === members.length) {
    log.info(`Adding member ${memberName}=${peerUrl} to etcd cluster [${cluster.join(' ')}]`);
    await askAny(others, layout, (etcd) => addLearner(etcd, peerUrl));
  }
  const complete = [...cluster, `${memberName}=${peerUrl}`];
  log.info(`Starting etcd to join cluster with members [${complete.join(' ')}]`);
  return complete.join(',');
}

/** Asks the members in turn until one can be reached; a refusal counts as an answer. */
async function askAny<T>(
  members: readonly EtcdMember[],
  layout: Layout,
  ask: (etcd: EtcdClient) => Promise<T>,
): Promise<T> {
  let last: unknown = new Error('no member of the etcd cluster has an address');
  for (const endpoint of members
    .filter((member) => !member.isLearner)
    .flatMap((member) => member.clientUrls)) {
    try {
      return await ask(new EtcdClient(layout, endpoint));
    } catch (error) {
      if (toMessage(error).startsWith('etcd ')) throw error;
      last = error;
    }
  }
  throw last;
}
