import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse, parseAllDocuments } from 'yaml';
import type { ApiClient } from './api-client';
import type { ApiObject } from './api-object';
import { findKind, kinds } from './api-resources';
import { standInAnnotation } from './layout';
import type { Layout } from './layout';
import { log, toMessage } from './log';
import type { Settings } from './settings';

const everyMs = 2_000;

/**
 * What RKE2's deploy and Helm controllers do, for the objects the stand-in knows: applies every manifest in
 * `server/manifests` (a `.skip` file beside one leaves it out), then installs the chart of the chosen CNI.
 */
export async function keepDeployed(client: ApiClient, settings: Settings, layout: Layout): Promise<never> {
  for (const name of ['kube-system', 'kube-node-lease', 'default', 'kube-public']) {
    await client
      .apply(kinds.namespace, null, { metadata: { name }, status: { phase: 'Active' } })
      .catch(logFailure);
  }
  const applied = new Map<string, string>();
  let lastProblem = '';
  for (;;) {
    for (const path of manifestFiles(layout)) await applyFile(client, path, applied).catch(logFailure);
    const problem = await installCni(client, settings).catch(toMessage);
    if (problem !== null && problem !== lastProblem) log.error(`helm install of the CNI failed: ${problem}`);
    lastProblem = problem ?? '';
    await delay(everyMs);
  }
}

function logFailure(error: unknown): void {
  log.error(`deploy: ${toMessage(error)}`);
}

function manifestFiles(layout: Layout): string[] {
  if (!existsSync(layout.manifests)) return [];
  const names = readdirSync(layout.manifests).filter((name) => /\.(ya?ml|json)$/.test(name));
  return names.map((name) => join(layout.manifests, name)).filter((path) => !existsSync(`${path}.skip`));
}

async function applyFile(client: ApiClient, path: string, applied: Map<string, string>): Promise<void> {
  const text = readFileSync(path, 'utf8');
  if (applied.get(path) === text) return;
  for (const document of parseAllDocuments(text)) {
    // Manifests are Kubernetes objects; one that is not fails at the API server.
    const object = document.toJS() as ApiObject | null;
    if (object === null) continue;
    const resource = findKind(object.apiVersion ?? '', object.kind ?? '');
    if (resource === null)
      throw new Error(
        `${basename(path)}: no matches for kind "${object.kind}" in version "${object.apiVersion}"`,
      );
    const namespace = resource.namespaced ? (object.metadata.namespace ?? 'default') : null;
    await client.apply(resource, namespace, object);
  }
  applied.set(path, text);
  log.info(`Applied manifest ${basename(path)}`);
}

/** Returns why the chart cannot be installed, or null. A failing chart leaves the nodes without CNI (facts 5.1). */
async function installCni(client: ApiClient, settings: Settings): Promise<string | null> {
  const cni = settings.cni.at(-1) ?? 'none';
  if (cni === 'none') return null;
  const chart = `rke2-${cni}`;
  const config = findKind('helm.cattle.io/v1', 'HelmChartConfig');
  const values = config === null ? null : await client.find(config, 'kube-system', chart);
  const problem = cni === 'cilium' ? findValuesProblem(String(values?.spec?.['valuesContent'] ?? '')) : null;
  if (problem !== null) return problem;
  const name = cni === 'cilium' ? 'cilium' : chart;
  if ((await client.find(kinds.daemonSet, 'kube-system', name)) !== null) return null;
  await client.apply(kinds.daemonSet, 'kube-system', {
    metadata: {
      name,
      namespace: 'kube-system',
      labels: { 'siteplan.lab/cni': 'true', 'k8s-app': name },
      annotations: { ...standInAnnotation },
    },
  });
  return null;
}

/** The two mistakes that make Cilium's chart fail to render: words for booleans and the removed `tunnel` (facts 5.3). */
function findValuesProblem(text: string): string | null {
  const values: unknown = parse(text) ?? {};
  if (typeof values !== 'object' || values === null) return 'values are not a mapping';
  const { kubeProxyReplacement, tunnel } = values as Record<string, unknown>;
  if (tunnel !== undefined)
    return 'tunnel was deprecated in 1.14 and has been removed in 1.15: use routingMode and tunnelProtocol';
  if (kubeProxyReplacement !== undefined && !['true', 'false'].includes(String(kubeProxyReplacement))) {
    return 'kubeProxyReplacement must be explicitly set to a valid value (true or false) to continue';
  }
  return null;
}
