import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connectDatabase } from '@/lib/db/connect';
import type { ClaimedRun } from '@/lib/db/run-log';
import type { SiteClaim } from '@/lib/db/site-lease';
import { createLogger } from '@/lib/log/logger';
import { Plan } from '@/lib/plan/plan';
import { createRedaction } from '@/lib/provision/redact';
import { executeRun } from '@/lib/provision/run-engine';
import { toKeyId } from '@/lib/secrets/seal';
import { connectHost } from '@/lib/ssh/connect-host';
import { RIG_INSTALLATION, RIG_POLICY } from '@/lib/testing/engine-rig';
import { followCancel } from '@/lib/worker/follow-cancel';
import { runJobLoop } from '@/lib/worker/job-loop';
import { runSiteLoop } from '@/lib/worker/site-loop';
import type { WorkerContext } from '@/lib/worker/worker-context';
import { findSoakKind } from './soak-step';
import { SoakWorkerInput, type SoakHost } from './soak-worker-input';

/*
 * A worker process of a soak: the real loop over sites, leases, claims and the real engine. Without a seal key, what a
 * planner would say is read from the plan's row instead, because no planner knows the steps of a soak; with one the
 * worker is the product's own, jobs and planner included.
 */
const input = SoakWorkerInput.parse(JSON.parse(readFileSync(0, 'utf8')));

// Without the soak that started it nobody would ever end it. A stopped or killed parent is no parent any more.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, 500).unref();

process.on('unhandledRejection', (error) => {
  process.stderr.write(
    `unhandled rejection: ${error instanceof Error ? (error.stack ?? '') : String(error)}\n`,
  );
});

async function runSoakPlan(context: WorkerContext, claim: SiteClaim, run: ClaimedRun): Promise<void> {
  const { db, installationId, signal, log } = context;
  const { rows } = await db.pool.query<{ body: unknown; facts: SoakHost[] }>(
    'SELECT body, facts FROM plan WHERE id = $1',
    [run.planId],
  );
  const plan = Plan.parse(rows[0]?.body);
  const hosts = new Map(rows[0]?.facts.map((host) => [host.nodeId, host]));
  const hostOf = (nodeId: string): SoakHost => {
    const host = hosts.get(nodeId);
    if (!host) throw new Error(`no host ${nodeId}`);
    return host;
  };
  const cancel = followCancel(context, run, claim.epoch);
  try {
    await executeRun({
      db,
      runId: run.runId,
      epoch: claim.epoch,
      installationId,
      plan,
      connect: (nodeId) => connectHost(hostOf(nodeId).target, { policy: context.policy }),
      secretValue: () => undefined,
      redaction: createRedaction([]),
      isCancelRequested: cancel.isRequested,
      signal,
      findKind: findSoakKind,
      rootOf: (nodeId) => hostOf(nodeId).root,
      onError: (error) => log.error({ err: error }, 'unexpected error in a run'),
    });
  } finally {
    cancel.stop();
  }
}

const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
const privateKey = input.sealKey === undefined ? null : createPrivateKey(input.sealKey);
const key = privateKey && createPublicKey(privateKey);
const context = {
  db: connectDatabase(input.databaseUrl, 'siteplan_worker', { maxConnections: 20 }),
  log: createLogger('soak-worker'),
  ...(privateKey && key && { sealKey: { key, privateKey, keyId: toKeyId(key) } }),
  policy: RIG_POLICY,
  holder: input.holder,
  installationId: RIG_INSTALLATION,
  signal: stop.signal,
} as Partial<WorkerContext> as WorkerContext; // without credentials the key is never read

process.stdout.write('ready\n');
const { ttlMs } = input;
if (privateKey) await Promise.all([runJobLoop(context), runSiteLoop(context, { ttlMs })]);
else await runSiteLoop(context, { runPlan: runSoakPlan, ttlMs });
process.exit(0);
