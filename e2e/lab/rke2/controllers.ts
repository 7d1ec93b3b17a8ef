import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from './api-client';
import type { ApiObject, Condition } from './api-object';
import { kinds } from './api-resources';
import { checkLeaderElection, parseComponentFlags, parseGoDuration } from './component-flags';
import { toLayout } from './layout';
import { exitFatal, log, toMessage } from './log';

/**
 * The stand-in's kube-scheduler: checks its flags and answers /healthz on 10259. It places nothing, because the
 * stand-in runs no workloads.
 */
export async function runScheduler(argv: readonly string[]): Promise<void> {
  const flags = parseFlagsOrEnd('kube-scheduler', argv);
  serveHealth(flags, 'kube-scheduler', 10259);
  await new Promise(() => undefined);
}

/**
 * The stand-in's kube-controller-manager: of the real one's controllers it runs the node lifecycle. A node whose
 * lease is older than `node-monitor-grace-period` (50 s since Kubernetes 1.32; facts 10.1) becomes Unknown.
 */
export async function runControllerManager(argv: readonly string[]): Promise<void> {
  const flags = parseFlagsOrEnd('kube-controller-manager', argv);
  serveHealth(flags, 'kube-controller-manager', 10257);
  const tls = (flags.get('client-certificate') ?? '').replace(/\.crt$/, '');
  const client = new ApiClient('https://127.0.0.1:6443', {
    ca: join(tls, '..', 'server-ca'),
    certificate: tls,
  });
  const graceMs = parseGoDuration(flags.get('node-monitor-grace-period') ?? '50s');
  const periodMs = parseGoDuration(flags.get('node-monitor-period') ?? '5s');
  for (;;) {
    try {
      await markSilentNodes(client, graceMs);
    } catch (error) {
      log.warn(`node lifecycle: ${toMessage(error)}`);
    }
    await delay(periodMs);
  }
}

async function markSilentNodes(client: ApiClient, graceMs: number): Promise<void> {
  const leases = await client.list(kinds.lease, 'kube-node-lease');
  for (const node of await client.list(kinds.node, null)) {
    const lease = leases.find((candidate) => candidate.metadata.name === node.metadata.name);
    const renewed = Date.parse(String(lease?.spec?.['renewTime'] ?? node.metadata.creationTimestamp));
    if (Date.now() - renewed > graceMs) await markUnknown(client, node);
  }
}

async function markUnknown(client: ApiClient, node: ApiObject): Promise<void> {
  // The kubelet wrote them.
  const conditions = (node.status?.['conditions'] ?? []) as Condition[];
  if (conditions.every((condition) => condition.status === 'Unknown')) return;
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const unknown = conditions.map((condition): Condition => ({
    ...condition,
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
    lastTransitionTime: now,
  }));
  log.warn(`node ${node.metadata.name} hasn't been updated; its status is now unknown`);
  await client.patch(kinds.node, null, node.metadata.name, { status: { conditions: unknown } });
}

function parseFlagsOrEnd(component: string, argv: readonly string[]): Map<string, string> {
  try {
    const flags = parseComponentFlags(component, argv);
    checkLeaderElection(flags);
    return flags;
  } catch (error) {
    return exitFatal(`Error: ${toMessage(error)}`);
  }
}

function serveHealth(flags: ReadonlyMap<string, string>, component: string, port: number): void {
  const { tls } = toLayout((flags.get('client-certificate') ?? '').replace(/\/server\/tls\/.*$/, ''));
  const base = join(tls, component, component);
  const files = { cert: readFileSync(`${base}.crt`), key: readFileSync(`${base}.key`) };
  const server = createServer(files, (request, response) => {
    const isHealth = /^\/(healthz|livez|readyz)/.test(request.url ?? '');
    response.writeHead(isHealth ? 200 : 403).end(isHealth ? 'ok' : 'Forbidden');
  });
  server.on('error', (error) => exitFatal(`${component}: ${error.message}`));
  server.listen(port, '127.0.0.1');
}
