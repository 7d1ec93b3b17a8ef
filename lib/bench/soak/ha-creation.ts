import { readFileSync } from 'node:fs';
import { startLab, type Lab } from '@/e2e/lab/lab';
import { toNode } from '@/e2e/support/ha-site';
import { RKE2_VERSION } from '@/e2e/support/thin-site';
import { connectDatabase } from '@/lib/db/connect';
import { stopListening } from '@/lib/db/listen';
import { Plan } from '@/lib/plan/plan';
import { PlanResult, ScanResult } from '@/lib/run/job-view';
import type { ServiceContext } from '@/lib/services/context';
import { createCredential } from '@/lib/services/credentials/create-credential';
import { approveHostKey } from '@/lib/services/host-keys/approve-host-key';
import { createJob, type CreateJobInput } from '@/lib/services/jobs/create-job';
import { getJob } from '@/lib/services/jobs/get-job';
import { createRun } from '@/lib/services/runs/create-run';
import { createSite } from '@/lib/services/sites/create-site';
import { insertPreflight } from '@/lib/testing/factories';
import type { OwnCluster, OwnClusterDatabase } from '@/lib/testing/own-database';
import { waitFor } from '@/lib/testing/wait-for';
import { createWebFixture } from '@/lib/testing/web-fixture';
import { createCrew, type Crew } from './crew';

const HOSTS = [
  ...['s1', 's2', 's3'].map((name) => ({ name, role: 'server' as const })),
  { name: 'a1', role: 'agent' as const },
  ...['lb1', 'lb2'].map((name) => ({ name, role: 'lb' as const })),
];
/** Workers that race for the run at any time. */
const WORKERS = 2;

/** A site of the HA pattern on bare hosts, planned, and the workers that may create it. */
export interface HaCreation {
  readonly lab: Lab;
  readonly database: OwnClusterDatabase;
  readonly crew: Crew;
  readonly siteId: string;
  readonly plan: Plan;
  /** Of a node's id. */
  readonly nameOf: (nodeId: string) => string;
  /** Starts workers until as many are there as race. */
  readonly fillUp: () => Promise<void>;
  /** Files the run of the plan; resolves to its id. */
  readonly start: () => Promise<string>;
  /** Plans the site once more on the hosts as they are then. */
  readonly planAgain: () => Promise<PlanResult>;
  readonly stop: () => Promise<void>;
}

async function doJob(admin: ServiceContext, input: CreateJobInput): Promise<unknown> {
  const { id } = await createJob(admin, input);
  const job = await waitFor(
    async () => {
      const view = await getJob(admin, { jobId: id });
      return (view.state === 'done' || view.state === 'failed') && view;
    },
    { what: `the ${input.kind}`, timeoutMs: 120_000, everyMs: 100 },
  );
  if (job.failure) throw new Error(`${input.kind}: ${job.failure.message}`);
  return job.result;
}

async function fileSite(admin: ServiceContext, lab: Lab, mirrorUrl: string): Promise<string> {
  const privateKey = readFileSync(lab.hosts[0]?.privateKeyPath ?? '', 'utf8');
  const { id: credentialId } = await createCredential(admin, { kind: 'key', name: 'lab key', privateKey });
  const topology = {
    pattern: 'ha',
    registration: { via: 'vip', vip: lab.vip, loadBalancer: 'managed', interface: 'host0' },
    network: { nodeCidr: `${lab.gateway.replace(/\d+$/, '0')}/24` },
    rke2: { version: RKE2_VERSION, artifacts: { from: 'mirror', url: mirrorUrl } },
    nodes: lab.hosts.map((host) => toNode(host, credentialId)),
  };
  const { siteId } = await createSite(admin, { name: lab.name, topology });
  const scan = ScanResult.parse(await doJob(admin, { kind: 'scan', siteId }));
  for (const { nodeId, fingerprint } of scan.nodes) {
    if (!lab.hosts.some((host) => host.hostKeyFingerprint === fingerprint))
      throw new Error(`scanned ${fingerprint}, which no host of the lab has`);
    await approveHostKey(admin, { siteId, nodeId, fingerprint });
  }
  return siteId;
}

/** Boots bare hosts and brings a site of them to its plan; `name` is of the lab and the database. */
export async function prepareCreation(
  rig: { readonly cluster: OwnCluster; readonly program: string; readonly ttlMs: number },
  name: string,
): Promise<HaCreation> {
  const closers: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const close of closers.reverse()) await close();
  };
  try {
    const [lab, database] = await Promise.all([
      startLab({ name, hosts: HOSTS }),
      rig.cluster.createDatabase(name),
    ]);
    closers.push(() => lab.stop());
    const web = connectDatabase(database.urlFor('siteplan_web'), 'siteplan_web', { maxConnections: 5 });
    closers.push(async () => {
      await stopListening(web);
      await web.close();
    });
    const fixture = createWebFixture({ web });
    const sealKey = fixture.sealKey.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const { program, ttlMs } = rig;
    const { socketPath } = rig.cluster;
    const crew = createCrew(database, name, { program, socketPath, database: name, ttlMs, sealKey });
    closers.push(() => Promise.all(crew.workers().map((worker) => worker.stop())));
    const fillUp = async () => {
      const missing = WORKERS - crew.workers().length;
      await Promise.all(Array.from({ length: missing }, () => crew.spawnWorker()));
    };
    const [mirrorUrl, admin] = await Promise.all([
      lab.startMirror(),
      fixture.createPerson([{ siteId: null, role: 'admin' }]),
      fillUp(),
    ]);
    const siteId = await fileSite(admin, lab, mirrorUrl);
    const makePlan = async () => PlanResult.parse(await doJob(admin, { kind: 'plan', siteId }));
    const { planId, problems } = await makePlan();
    if (planId === null) throw new Error(JSON.stringify(problems));
    const { rows } = await database.owner.query<{ body: unknown }>('SELECT body FROM plan WHERE id = $1', [
      planId,
    ]);
    const plan = Plan.parse(rows[0]?.body);
    const { rows: nodes } = await database.owner.query<{ id: string; name: string }>(
      'SELECT id, name FROM node WHERE site_id = $1',
      [siteId],
    );
    const nameOf = (nodeId: string) => nodes.find(({ id }) => id === nodeId)?.name ?? nodeId;
    const start = async () => {
      await insertPreflight(database.owner, siteId);
      return (await createRun(admin, { planId })).id;
    };
    const planAgain = makePlan;
    return { lab, database, crew, siteId, plan, nameOf, fillUp, start, planAgain, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
