import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { startLab, type Lab } from '@/e2e/lab/lab';
import { NodeId, SecretId } from '@/lib/core/ids';
import { inTransaction } from '@/lib/db/connect';
import { createLogger } from '@/lib/log/logger';
import { PreflightResult, type CheckCell, type LinkCell } from '@/lib/run/job-view';
import { seal, toKeyId } from '@/lib/secrets/seal';
import { connectHost, type HostConnection } from '@/lib/ssh/connect-host';
import { scanHostKey } from '@/lib/ssh/scan-host-key';
import type { HostTarget } from '@/lib/ssh/target';
import { RIG_INSTALLATION, RIG_POLICY } from '@/lib/testing/engine-rig';
import { insertSite } from '@/lib/testing/factories';
import { startOwnDatabase } from '@/lib/testing/own-database';
import { Topology } from '@/lib/topology/topology';
import type { JobContext } from '@/lib/worker/jobs/job-context';
import { runPreflight } from '@/lib/worker/jobs/preflight';

export interface PreflightLab {
  readonly lab: Lab;
  readonly topology: Topology;
  /** A preflight of the whole site, or of some of its cells. */
  readonly check: (scope?: { nodes?: string[]; checks?: string[] }) => Promise<PreflightResult>;
  /** Runs sh text on a host, as root and beside ssh; rejects with what it said where it fails. */
  readonly onHost: (name: string, script: string) => Promise<string>;
  readonly connect: (name: string) => Promise<HostConnection>;
  readonly stop: () => Promise<void>;
}

const TOKEN = { id: SecretId.parse('sec-preflight'), version: 1 };

/** As the document has it, so that ids and names are told apart. */
const idOf = (name: string) => NodeId.parse(`n-${name}`);

export function findCell(result: PreflightResult, name: string, checkId: string): CheckCell | undefined {
  return result.cells.find((cell) => cell.nodeId === idOf(name) && cell.checkId === checkId);
}

export function findLink(
  result: PreflightResult,
  from: string,
  to: string,
  checkId: string,
): LinkCell | undefined {
  return result.links.find(
    (link) => link.fromId === idOf(from) && link.toId === idOf(to) && link.checkId === checkId,
  );
}

/**
 * Two servers, an agent (by a user with sudo) and two load balancers on lab hosts, a site in a database, and the worker's own job on them. Needs
 * root; `stop` ends all of it.
 */
export async function startPreflightLab(name: string): Promise<PreflightLab> {
  const roles = { s1: 'server', s2: 'server', a1: 'agent', lb1: 'lb', lb2: 'lb' } as const;
  const [lab, database] = await Promise.all([
    startLab({ name, hosts: Object.entries(roles).map(([host, role]) => ({ name: host, role })) }),
    startOwnDatabase(),
  ]);
  const privateKey = await readFile(lab.hosts[0]?.privateKeyPath ?? '', 'utf8');
  const targets = new Map<string, HostTarget>();
  for (const host of lab.hosts) {
    const endpoint = { name: host.name, address: host.address, port: host.port };
    const pinned = [await scanHostKey(endpoint, { policy: RIG_POLICY })];
    const isPlain = host.name === 'a1';
    targets.set(idOf(host.name), {
      ...endpoint,
      user: isPlain ? 'ops' : 'root',
      auth: { kind: 'key', privateKey },
      sudo: isPlain ? 'nopasswd' : 'none',
      hostKey: { pinned },
    });
  }
  const topology = Topology.parse({
    pattern: 'custom',
    nodes: lab.hosts.map(({ name: host, role, address }) => ({
      id: idOf(host),
      name: host,
      role,
      internalIp: address,
      arch: process.arch === 'arm64' ? 'arm64' : 'amd64',
    })),
    registration: { via: 'vip', vip: lab.vip, loadBalancer: 'managed', interface: 'host0' },
    security: { serverToken: TOKEN, agentToken: TOKEN },
  });
  const { pool } = database.worker;
  const siteId = await insertSite(pool);
  for (const node of topology.nodes)
    await pool.query('INSERT INTO node (id, site_id, name) VALUES ($1, $2, $3)', [
      node.id,
      siteId,
      node.name,
    ]);
  const { publicKey, privateKey: sealKey } = generateKeyPairSync('x25519');
  const key = { key: publicKey, keyId: toKeyId(publicKey) };
  const meta = { purpose: 'server-token', owner: siteId, ...TOKEN };
  const sealed = seal(key, Buffer.from('a token that no host ever sees'), meta);
  await pool.query(
    'INSERT INTO secret (id, version, purpose, owner, key_id, sealed) VALUES ($1, $2, $3, $4, $5, $6)',
    [meta.id, meta.version, meta.purpose, meta.owner, key.keyId, sealed],
  );
  const open = new Map<string, Promise<HostConnection>>();
  const connect = (nodeId: string) => {
    const target = targets.get(nodeId);
    if (!target) throw new Error(`no host ${nodeId}`);
    const known = open.get(nodeId) ?? connectHost(target, { policy: RIG_POLICY });
    open.set(nodeId, known);
    const forget = () => {
      if (open.get(nodeId) === known) open.delete(nodeId);
    };
    known.then((one) => one.onClose(forget), forget);
    return known;
  };
  const job: JobContext = {
    db: database.worker,
    sealKey: { ...key, privateKey: sealKey },
    policy: RIG_POLICY,
    log: createLogger('preflight-lab'),
    holder: 'test',
    installationId: RIG_INSTALLATION,
    signal: new AbortController().signal,
    siteId,
    createdBy: 'test',
    revision: 1,
    topology,
    hosts: { connect, use: () => undefined, close: () => undefined },
    progress: () => Promise.resolve(),
    fenced: (work) => inTransaction(pool, work),
  };
  return {
    lab,
    topology,
    connect: (host) => {
      const target = targets.get(idOf(host));
      if (!target) throw new Error(`no host ${host}`);
      return connectHost(target, { policy: RIG_POLICY });
    },
    check: async ({ nodes, checks } = {}) => {
      const result = await runPreflight(job, {
        nodeIds: nodes?.map(idOf) ?? null,
        checkIds: checks ?? null,
      });
      // As the API gives it out.
      return PreflightResult.parse(JSON.parse(JSON.stringify(result)));
    },
    onHost: async (host, script) => {
      const { code, stdout, stderr } = await lab.exec(host, ['sh', '-c', script]);
      if (code !== 0) throw new Error(`${script}\non ${host} ended with ${code}: ${stdout}${stderr}`);
      return stdout;
    },
    stop: async () => {
      for (const one of open.values()) (await one.catch(() => null))?.close();
      await Promise.all([lab.stop(), database.stop()]);
    },
  };
}
