import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from './api-client';
import type { ApiObject, Condition } from './api-object';
import { kinds } from './api-resources';
import { parseComponentFlags } from './component-flags';
import { standInAnnotation, toLayout } from './layout';
import type { Layout } from './layout';
import { exitFatal, log, toMessage } from './log';
import { toNewNode, toNodeStatus, toPodObject } from './node-object';
import type { NodeFacts } from './node-object';
import { StaticPods, isPodRunning, readPodRecords } from './static-pods';

/** What the server or agent process tells its kubelet, as a file. */
export interface KubeletConfig {
  dataDir: string;
  version: string;
  nodeName: string;
  nodeIp: string;
  nodeExternalIp: string | null;
  isServer: boolean;
  labels: string[];
  taints: string[];
  args: string[];
  /** The API server this kubelet reports to. */
  apiServer: string;
}

const cniDir = '/etc/cni/net.d';
const statusEveryMs = 10_000;

/**
 * The stand-in's kubelet: keeps the static pods running, registers the node, reports its status every 10 s and renews
 * its lease. It runs in the service's cgroup under the name that the unit's ExecStopPost looks for.
 */
export async function runKubelet(configPath: string): Promise<void> {
  // Written by the server process of the same version.
  const config = JSON.parse(readFileSync(configPath, 'utf8')) as KubeletConfig;
  try {
    parseComponentFlags(
      'kubelet',
      config.args.map((arg) => `--${arg}`),
    );
  } catch (error) {
    exitFatal(`failed to parse kubelet flag: ${toMessage(error)}`);
  }
  const layout = toLayout(config.dataDir);
  serveHealth(layout);
  const pods = new StaticPods(layout);
  const facts = readFacts(config);
  const client = new ApiClient(config.apiServer, {
    ca: join(layout.agent, 'server-ca'),
    certificate: join(layout.agent, 'client-kubelet'),
  });
  await Promise.all([keepPods(pods), keepNode(client, facts, config)]);
}

async function keepPods(pods: StaticPods): Promise<never> {
  for (;;) {
    try {
      pods.reconcile(Date.now());
    } catch (error) {
      log.error(`static pods: ${toMessage(error)}`);
    }
    await delay(300);
  }
}

async function keepNode(client: ApiClient, facts: NodeFacts, config: KubeletConfig): Promise<never> {
  let lastStatusMs = 0;
  let reported = '';
  let isRegistered = false;
  for (;;) {
    try {
      await runDaemonPods(client, facts);
      const state = `${hasCni()} ${readPodRecords()
        .map((record) => `${record.id}${isPodRunning(record)}`)
        .join()}`;
      if (state !== reported || Date.now() - lastStatusMs >= statusEveryMs) {
        if (!isRegistered) await registerNode(client, facts);
        isRegistered = true;
        await reportNode(client, facts);
        if (config.isServer) await reportPods(client, facts, config.version);
        [lastStatusMs, reported] = [Date.now(), state];
      }
    } catch (error) {
      log.warn(`node status: ${toMessage(error)}`);
    }
    await delay(1_000);
  }
}

function hasCni(): boolean {
  return existsSync(cniDir) && readdirSync(cniDir).some((name) => /\.conf(list)?$/.test(name));
}

/**
 * A CNI arrives as a DaemonSet; its pod on this node installs the CNI configuration, after which the node is ready.
 * Here that pod is an object only: the network of the stand-in is the host's.
 */
async function runDaemonPods(client: ApiClient, facts: NodeFacts): Promise<void> {
  if (hasCni()) return;
  const sets = await client.list(kinds.daemonSet, 'kube-system');
  const cni = sets.find((set) => set.metadata.labels?.['siteplan.lab/cni'] === 'true');
  if (cni === undefined) return;
  const { name } = cni.metadata;
  const startedAt = new Date().toISOString();
  const pod = toPodObject(
    `${name}-${facts.name}`,
    facts,
    { image: 'siteplan.lab/stand-in', labels: { 'k8s-app': name } },
    { isRunning: true, restarts: 0, startedAt },
  );
  await client.apply(kinds.pod, 'kube-system', pod);
  mkdirSync(cniDir, { recursive: true });
  const conflist = { cniVersion: '0.3.1', name, plugins: [{ type: 'stand-in' }], ...standInAnnotation };
  writeFileSync(join(cniDir, `05-${name}.conflist`), `${JSON.stringify(conflist, null, 2)}\n`);
}

/** Once in the life of a kubelet: a Node that is deleted later comes back with the next start only. */
async function registerNode(client: ApiClient, facts: NodeFacts): Promise<void> {
  if ((await client.find(kinds.node, null, facts.name)) !== null) return;
  await client.request('POST', '/api/v1/nodes', toNewNode(facts));
  log.info(`Successfully registered node ${facts.name}`);
}

async function reportNode(client: ApiClient, facts: NodeFacts): Promise<void> {
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const node = await client.find(kinds.node, null, facts.name);
  // Written by this function or by the node lifecycle controller, both with this shape.
  const previous = (node?.status?.['conditions'] ?? []) as Condition[];
  await client.patch(kinds.node, null, facts.name, { status: toNodeStatus(facts, hasCni(), previous, now) });
  const lease: ApiObject = {
    metadata: { name: facts.name, namespace: 'kube-node-lease' },
    spec: {
      holderIdentity: facts.name,
      leaseDurationSeconds: 40,
      renewTime: new Date().toISOString().replace('Z', '000Z'),
    },
  };
  await client.apply(kinds.lease, 'kube-node-lease', lease);
}

/** Mirror pods: what the API shows of the static pods. */
async function reportPods(client: ApiClient, facts: NodeFacts, version: string): Promise<void> {
  for (const record of readPodRecords()) {
    const owner = {
      image: `siteplan.lab/stand-in:${version.replace('+', '-')}`,
      labels: { component: record.name, tier: 'control-plane' },
    };
    const run = { isRunning: isPodRunning(record), restarts: record.restarts, startedAt: record.startedAt };
    await client.apply(
      kinds.pod,
      'kube-system',
      toPodObject(`${record.name}-${facts.name}`, facts, owner, run),
    );
  }
}

function readFacts(config: KubeletConfig): NodeFacts {
  const read = (path: string) => readFileSync(path, 'utf8').trim();
  return {
    name: config.nodeName,
    internalIp: config.nodeIp,
    externalIp: config.nodeExternalIp,
    version: config.version,
    isServer: config.isServer,
    labels: config.labels,
    taints: config.taints,
    machineId: read('/etc/machine-id'),
    bootId: read('/proc/sys/kernel/random/boot_id'),
    kernel: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(read('/etc/os-release'))?.[1] ?? 'Linux',
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    cpus: cpus().length,
    memoryKiB: Math.floor(totalmem() / 1024),
  };
}

/** 10248 on loopback for probes; 10250 for the API server's client certificate only. */
function serveHealth(layout: Layout): void {
  const local = createHttpServer((request, response) => {
    // kubectl adds its timeout as a query.
    const isHealth = /^\/healthz(\?|$)/.test(request.url ?? '');
    response.writeHead(isHealth ? 200 : 404).end(isHealth ? 'ok' : '');
  });
  const tls = {
    cert: readFileSync(join(layout.agent, 'serving-kubelet.crt')),
    key: readFileSync(join(layout.agent, 'serving-kubelet.key')),
    ca: readFileSync(join(layout.agent, 'client-ca.crt')),
    requestCert: true,
    rejectUnauthorized: false,
  };
  const secure = createHttpsServer(tls, (request, response) => {
    const isKnown = request.socket instanceof TLSSocket && request.socket.authorized;
    response.writeHead(isKnown ? 200 : 401).end(isKnown ? 'ok' : 'Unauthorized');
  });
  local.on('error', (error) => exitFatal(`kubelet healthz: ${error.message}`));
  secure.on('error', (error) => exitFatal(`kubelet: ${error.message}`));
  local.listen(10248, '127.0.0.1');
  secure.listen(10250, '0.0.0.0');
}
