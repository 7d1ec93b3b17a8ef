import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Lab, LabHost } from '@/e2e/lab/lab';
import { ScanResult } from '@/lib/run/job-view';
import type { RunEvent } from '@/lib/run/run-event';
import type { TopologyInput } from '@/lib/topology/topology';
import type { ApiClient } from './api-client';
import { openOneTime } from './open-one-time';
import { passChecks, plan, RKE2_VERSION } from './thin-site';

const StoredTopology = z.looseObject({ nodes: z.array(z.looseObject({ id: z.string(), name: z.string() })) });
export type StoredTopology = z.infer<typeof StoredTopology>;

/** A site of several lab hosts, by the API of a running Siteplan. */
export interface ManySite {
  readonly siteId: string;
  /** The topology as stored, with the ids of its nodes. */
  readonly topology: () => Promise<StoredTopology>;
  /** Stores a changed topology; `change` gets the newest and returns the next. */
  readonly edit: (change: (topology: StoredTopology) => object) => Promise<void>;
  /** Plans and runs; throws the end of the log where the run is not done. Returns titles in order and the events. */
  readonly apply: (kind?: 'apply' | 'uninstall') => Promise<{ titles: string[]; events: RunEvent[] }>;
  /** The admin kubeconfig, as the browser gets it. */
  readonly kubeconfig: () => Promise<string>;
}

/** A run over eight hosts on a busy machine; what waits for it must be more patient. */
const RUN_LIMIT_MS = 900_000;
/** For tests that run a plan over many hosts. */
export const RUN_TEST_LIMIT_MS = RUN_LIMIT_MS + 300_000;

interface PlannedStep {
  readonly id: string;
  readonly nodeId: string;
  readonly kind: string;
  readonly title: string;
}

export function toNode(host: LabHost, credentialId: string) {
  return {
    name: host.name,
    role: host.role,
    internalIp: host.address,
    ssh: { address: host.address, port: host.port, user: host.user, credentialId },
  };
}

/** Credential, site and host keys for these hosts; `more` is what the topology says beside its nodes. */
export async function createManySite(
  api: ApiClient,
  options: {
    readonly name: string;
    readonly hosts: readonly LabHost[];
    readonly mirrorUrl: string;
    readonly more: Omit<TopologyInput, 'nodes' | 'rke2'>;
    /** How a host stands in the topology; `toNode` when absent. */
    readonly toNode?: typeof toNode;
  },
): Promise<
  ManySite & { readonly credentialId: string; readonly trust: (hosts: readonly LabHost[]) => Promise<void> }
> {
  const { name, hosts, mirrorUrl, more } = options;
  const privateKey = readFileSync(hosts[0]?.privateKeyPath ?? '', 'utf8');
  const created = await api.call('POST', '/credentials', { kind: 'key', name: `${name} key`, privateKey });
  const { id: credentialId } = created as { id: string };
  const topology = {
    ...more,
    rke2: { version: RKE2_VERSION, artifacts: { from: 'mirror', url: mirrorUrl } },
    nodes: hosts.map((host) => (options.toNode ?? toNode)(host, credentialId)),
  };
  const { siteId } = (await api.call('POST', '/sites', { name, topology })) as { siteId: string };
  const trust = async (known: readonly LabHost[]) => {
    const scan = ScanResult.parse(await api.job(`/sites/${siteId}/host-keys/scan`));
    for (const { nodeId, fingerprint, state } of scan.nodes) {
      if (state === 'approved') continue;
      if (!known.some((host) => host.hostKeyFingerprint === fingerprint))
        throw new Error(`scanned ${fingerprint}, which no host of the lab has`);
      await api.call('POST', `/sites/${siteId}/host-keys/approve`, { node: nodeId, fingerprint });
    }
  };
  await trust(hosts);
  return { ...toSite(api, siteId), credentialId, trust };
}

function toSite(api: ApiClient, siteId: string): ManySite {
  const read = async () =>
    z
      .object({ topology: StoredTopology, etag: z.string() })
      .parse(await api.call('GET', `/sites/${siteId}/topology`));
  return {
    siteId,
    topology: async () => (await read()).topology,
    edit: async (change) => {
      const { topology, etag } = await read();
      await api.call('PUT', `/sites/${siteId}/topology`, change(topology), { 'if-match': `"${etag}"` });
    },
    apply: async (kind = 'apply') => {
      if (kind === 'apply') await passChecks(api, siteId);
      const { planId, problems } = await plan(api, siteId, kind);
      if (planId === null) throw new Error(JSON.stringify(problems));
      const view = (await api.call('GET', `/plans/${planId}`)) as { plan: { steps: PlannedStep[] } };
      const { id } = (await api.call('POST', `/plans/${planId}/run`)) as { id: string };
      const run = await api.waitForRun(id, RUN_LIMIT_MS).catch(() => null);
      const events = await api.events(id);
      if (run?.state !== 'done')
        throw new Error(`${run?.state}: ${JSON.stringify(events.slice(-12), null, 1)}`);
      const { nodes } = await read().then(({ topology }) => topology);
      const nameOf = (nodeId: string) => nodes.find((node) => node.id === nodeId)?.name ?? nodeId;
      return {
        titles: toFinished(view.plan.steps, events).map((step) => `${nameOf(step.nodeId)} ${step.kind}`),
        events,
      };
    },
    kubeconfig: async () => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65).toString('base64');
      const result = (await api.job(`/sites/${siteId}/kubeconfig`, { publicKey: point })) as {
        sealed: string;
      };
      return openOneTime(privateKey, point, result.sealed);
    },
  };
}

/** The steps in the order in which they ended. */
function toFinished(steps: readonly PlannedStep[], events: readonly RunEvent[]): PlannedStep[] {
  return events.flatMap(({ body }) => {
    const step = body.type === 'step.finished' && steps.find(({ id }) => id === body.stepId);
    return step ? [step] : [];
  });
}

const Kubeconfig = z.looseObject({
  clusters: z.array(
    z.looseObject({
      cluster: z.looseObject({ server: z.string(), 'certificate-authority-data': z.string() }),
    }),
  ),
  users: z.array(
    z.looseObject({
      user: z.looseObject({ 'client-certificate-data': z.string(), 'client-key-data': z.string() }),
    }),
  ),
});

/** One look at /readyz of the API of a kubeconfig, over a connection of its own; false for whatever is not `ok`. */
export function createReadyProbe(kubeconfig: string): () => Promise<boolean> {
  const { clusters, users } = Kubeconfig.parse(parse(kubeconfig));
  const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
  if (!cluster || !user) throw new Error('the kubeconfig names no cluster or no user');
  const decode = (text: string) => Buffer.from(text, 'base64');
  const options = {
    ca: decode(cluster['certificate-authority-data']),
    cert: decode(user['client-certificate-data']),
    key: decode(user['client-key-data']),
    timeout: 5_000,
  };
  return () =>
    new Promise((resolve) => {
      const agent = new Agent({ keepAlive: false });
      const request = get(`${cluster.server}/readyz`, { ...options, agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve(response.statusCode === 200 && text === 'ok'));
        response.on('error', () => resolve(false));
      });
      request.on('timeout', () => request.destroy(new Error('timed out')));
      request.on('error', () => resolve(false));
    });
}

export interface ProbeReport {
  readonly probes: number;
  readonly failures: number;
  /** The most probes in a row that failed. */
  readonly longestRun: number;
  /** From the last success before a failure to the next one, at its longest; milliseconds. */
  readonly longestGapMs: number;
}

/** Probes every 200 ms, one after the other at least, until `stop` is called, which tells what was seen. */
export function startProber(probe: () => Promise<boolean>): { stop: () => Promise<ProbeReport> } {
  const ending = new AbortController();
  const seen: { atMs: number; isOk: boolean }[] = [];
  const work = (async () => {
    while (!ending.signal.aborted) {
      const atMs = performance.now();
      // Started at its time whatever became of the one before, or a slow answer would hide a gap.
      void probe().then((isOk) => seen.push({ atMs, isOk }));
      await delay(200, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  })();
  return {
    stop: async () => {
      ending.abort();
      await work;
      return toReport([...seen].sort((a, b) => a.atMs - b.atMs));
    },
  };
}

function toReport(seen: readonly { atMs: number; isOk: boolean }[]): ProbeReport {
  let longestRun = 0;
  let run = 0;
  let longestGapMs = 0;
  let lastOkMs = seen[0]?.atMs ?? 0;
  for (const { atMs, isOk } of seen) {
    run = isOk ? 0 : run + 1;
    longestRun = Math.max(longestRun, run);
    if (!isOk) continue;
    longestGapMs = Math.max(longestGapMs, atMs - lastOkMs);
    lastOkMs = atMs;
  }
  return {
    probes: seen.length,
    failures: seen.filter(({ isOk }) => !isOk).length,
    longestRun,
    longestGapMs: Math.round(longestGapMs),
  };
}

/** Which of these hosts has the address on its interface now. */
export async function findHolders(lab: Lab, names: readonly string[], address: string): Promise<string[]> {
  const held = await Promise.all(
    names.map(async (name) => (await lab.exec(name, ['ip', '-o', '-4', 'addr', 'show'])).stdout),
  );
  return names.filter((_, index) => held[index]?.includes(` ${address}/`));
}
