import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from './api-client';
import { kinds } from './api-resources';
import { makeRequest } from './certificates';
import { SupervisorError, accessCluster } from './cluster-access';
import type { ClusterAccess } from './cluster-access';
import { toLayout } from './layout';
import type { Layout } from './layout';
import { LoadBalancer } from './load-balancer';
import { log, toMessage } from './log';
import { ensureNodePassword } from './node-password';
import { notifyReady, startKubelet, waitUntil } from './node-start';
import type { Settings } from './settings';
import { parseToken } from './token';
import type { JoinToken } from './token';
import { unpackTools } from './unpack-tools';

const retryMs = 5_000;

/**
 * `rke2 agent`: two local load balancers to the servers, then the CA against the token, then certificates against the
 * node password, then the kubelet, which reports through the load balancer (facts 3.1, 3.3). Waits for ever, with
 * RKE2's sentences, for a server that does not answer or refuses. Throws the sentence to end with for bad settings.
 */
export async function runAgent(settings: Settings, version: string, self: string): Promise<void> {
  if (settings.token === null) throw new Error('Error: --token is required');
  if (settings.server === null) throw new Error('Error: --server is required');
  const token = parseToken(settings.token);
  const layout = toLayout(settings.dataDir);
  for (const path of [layout.agent, layout.agentEtc, layout.podManifests, layout.agentLogs])
    mkdirSync(path, { recursive: true, mode: 0o700 });
  const { hostname, port } = new URL(settings.server);
  const supervisors = new LoadBalancer(
    join(layout.agentEtc, 'rke2-agent-load-balancer.json'),
    `${hostname}:${port || '443'}`,
  );
  const apiServers = new LoadBalancer(
    join(layout.agentEtc, 'rke2-api-server-agent-load-balancer.json'),
    `${hostname}:6443`,
  );
  await supervisors.listen(settings.lbServerPort);
  await apiServers.listen(6443);
  const access = await accessWhenReady(`https://127.0.0.1:${settings.lbServerPort}`, token);
  await waitForCertificates(access, settings, layout);
  await updateServers(access, supervisors, apiServers);
  unpackTools(layout, version, self);
  const apiServer = 'https://127.0.0.1:6443';
  startKubelet(settings, layout, version, self, apiServer);
  const client = new ApiClient(apiServer, {
    ca: join(layout.agent, 'server-ca'),
    certificate: join(layout.agent, 'client-kubelet'),
  });
  await waitUntil(`node ${settings.nodeName} to be registered`, async () => {
    return (await client.find(kinds.node, null, settings.nodeName).catch(() => null)) !== null;
  });
  notifyReady('stand-in agent is up');
  log.info('rke2 agent is up and running');
  for (;;) {
    await delay(retryMs);
    await updateServers(access, supervisors, apiServers);
  }
}

async function accessWhenReady(url: string, token: JoinToken): Promise<ClusterAccess> {
  for (;;) {
    try {
      return await accessCluster(url, token, 'node');
    } catch (error) {
      log.error(`Failed to validate connection to cluster at ${url}: ${toMessage(error)}`);
    }
    await delay(retryMs);
  }
}

async function waitForCertificates(access: ClusterAccess, settings: Settings, layout: Layout): Promise<void> {
  const headers = {
    'rke2-node-name': settings.nodeName,
    'rke2-node-password': ensureNodePassword(),
    'rke2-node-ip': settings.nodeIp,
  };
  for (;;) {
    try {
      for (const name of ['client-kubelet', 'serving-kubelet']) {
        const path = join(layout.agent, name);
        const body = makeRequest(path);
        const answer = await access.request(`/v1-rke2/${name}.crt`, { method: 'POST', headers, body });
        writeFileSync(`${path}.crt`, answer.text, { mode: 0o600 });
      }
      for (const name of ['server-ca.crt', 'client-ca.crt'])
        writeFileSync(join(layout.agent, name), (await access.request(`/v1-rke2/${name}`)).text);
      return;
    } catch (error) {
      // RKE2 logs a refusal without the address that it came from.
      const words =
        error instanceof SupervisorError && error.status === 403
          ? error.message.replace(/^.*?: 403 /, '')
          : toMessage(error);
      log.info(`Waiting to retrieve agent configuration; server is not ready: ${words}`);
    }
    await delay(retryMs);
  }
}

/** Tells both load balancers of the servers there are; without an answer they keep what they know. */
async function updateServers(
  access: ClusterAccess,
  supervisors: LoadBalancer,
  apiServers: LoadBalancer,
): Promise<void> {
  try {
    const answer = await access.request('/v1-rke2/apiservers');
    // A server of the same version wrote it.
    const addresses = JSON.parse(answer.text) as string[];
    supervisors.setServers(addresses.map((address) => `${address}:9345`));
    apiServers.setServers(addresses.map((address) => `${address}:6443`));
  } catch (error) {
    log.warn(`servers of the cluster: ${toMessage(error)}`);
  }
}
