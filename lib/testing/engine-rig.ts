import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Pool } from 'pg';
import { openArtifactCache, type ArtifactCache } from '@/lib/artifacts/artifact-cache';
import type { SiteId } from '@/lib/core/ids';
import type { Database } from '@/lib/db/connect';
import { claimRun, readRunEvents, readRunSteps, type RunStepRow } from '@/lib/db/run-log';
import type { Plan } from '@/lib/plan/plan';
import { createRedaction } from '@/lib/provision/redact';
import { executeRun, type ExecuteRunOptions } from '@/lib/provision/run-engine';
import type { RunEventBody, RunState } from '@/lib/run/run-event';
import { connectHost } from '@/lib/ssh/connect-host';
import type { HostTarget } from '@/lib/ssh/target';
import { insertRun, insertSite } from './factories';
import { findTestKind, toTestPlan, type TestStep } from './ledger-step';

/** What the engine needs to know of a host in a test: a fake one, a real sshd, a lab host. */
export interface RigHost {
  readonly nodeId: string;
  readonly target: HostTarget;
  /** Directory below which its paths are; empty for a whole host. */
  readonly root: string;
}

export interface EngineRig {
  readonly siteId: SiteId;
  readonly runId: string;
  readonly plan: Plan;
  readonly hosts: readonly RigHost[];
  /** Takes the site's lease and the run as a new worker does; the old epoch is stale from here on. */
  readonly claim: () => Promise<bigint>;
  /** Executes the run in this process under a fresh claim or the given epoch. */
  readonly execute: (overrides?: Partial<ExecuteRunOptions>) => Promise<RunState>;
  readonly events: () => Promise<RunEventBody[]>;
  readonly rows: () => Promise<RunStepRow[]>;
  /** The log of one step as the database has it, of its newest attempt; throws where offsets have a gap or overlap. */
  readonly logOf: (stepId: string) => Promise<string>;
  /** Names noted in the ledger of a host, in order of execution. */
  readonly ledgerOf: (nodeId: string) => Promise<string[]>;
}

export const RIG_POLICY = { allow: ['127.0.0.0/8', '10.213.0.0/16'] };
/** Fast keepalive, so that tests of dead links take seconds. */
export const RIG_KEEPALIVE = { intervalMs: 500, count: 2 };
export const RIG_INSTALLATION = '11111111-2222-3333-4444-555555555555';

/** An artifact cache that has what is in it and nothing else: no internet. */
export function openTestCache(dir: string): ArtifactCache {
  return openArtifactCache(dir, { baseUrl: 'http://127.0.0.1:2/', pauseMs: 1 });
}

/** The options of an engine that works on these hosts; what a worker would put together. */
export function toEngineOptions(
  db: Pick<Database, 'pool'>,
  run: { runId: string; epoch: bigint; plan: Plan; hosts: readonly RigHost[] },
): ExecuteRunOptions {
  const hostOf = (nodeId: string) => {
    const host = run.hosts.find((candidate) => candidate.nodeId === nodeId);
    if (!host) throw new Error(`no host ${nodeId}`);
    return host;
  };
  return {
    db,
    runId: run.runId,
    epoch: run.epoch,
    installationId: RIG_INSTALLATION,
    plan: run.plan,
    connect: (nodeId) =>
      connectHost(hostOf(nodeId).target, {
        policy: RIG_POLICY,
        keepalive: RIG_KEEPALIVE,
        connectTimeoutMs: 2_000,
        readyTimeoutMs: 4_000,
      }),
    secretValue: () => undefined,
    redaction: createRedaction([]),
    isCancelRequested: () => false,
    signal: new AbortController().signal,
    random: () => 1,
    findKind: findTestKind,
    rootOf: (nodeId) => hostOf(nodeId).root,
  };
}

function joinOutput(events: readonly RunEventBody[], stepId: string): string {
  const start = events.findLastIndex((event) => event.type === 'step.act-started' && event.stepId === stepId);
  let offset = 0;
  let text = '';
  for (const event of events.slice(Math.max(0, start))) {
    if (event.type !== 'step.output' || event.stepId !== stepId) continue;
    if (event.offset !== offset) throw new Error(`offset ${event.offset} follows ${offset}`);
    offset = event.nextOffset;
    text += event.text;
  }
  return text;
}

/** A run that is in the database already, on these hosts. */
export function adoptRun(
  db: Database,
  run: {
    readonly siteId: SiteId;
    readonly runId: string;
    readonly plan: Plan;
    readonly hosts: readonly RigHost[];
  },
): EngineRig {
  const { siteId, runId, plan, hosts } = run;
  const claim = async () => {
    const { rows } = await db.pool.query<{ epoch: string }>(
      `UPDATE site_lease SET holder = 'test', epoch = nextval('epoch_seq'), lease_until = now() + interval '1 h'
        WHERE site_id = $1 RETURNING epoch::text AS epoch`,
      [siteId],
    );
    const epoch = BigInt(rows[0]?.epoch ?? '0');
    await claimRun(db, { siteId, epoch }, 'test');
    return epoch;
  };
  const events = async () => (await readRunEvents(db, runId, 0, 100_000)).map(({ body }) => body);
  return {
    siteId,
    runId,
    plan,
    hosts,
    claim,
    execute: async (overrides = {}) => {
      const epoch = overrides.epoch ?? (await claim());
      return executeRun({ ...toEngineOptions(db, { runId, epoch, plan, hosts }), ...overrides });
    },
    events,
    rows: () => readRunSteps(db, runId),
    logOf: async (stepId) => joinOutput(await events(), stepId),
    ledgerOf: async (nodeId) => {
      const path = join(hosts.find((host) => host.nodeId === nodeId)?.root ?? '', 'ledger');
      return existsSync(path) ? (await readFile(path, 'utf8')).trim().split('\n') : [];
    },
  };
}

/** A site with one queued run of these steps on these hosts, in a real database. */
export async function createEngineRig(
  db: Database,
  hosts: readonly RigHost[],
  steps: readonly TestStep[],
): Promise<EngineRig> {
  const siteId = await insertSite(db.pool);
  const plan = toTestPlan(siteId, steps);
  const runId = await insertRun(
    db.pool,
    siteId,
    plan.steps.map(({ id }) => id),
  );
  return adoptRun(db, { siteId, runId, plan, hosts });
}

/** Kills the connections of the worker role, as a restart of the database does. */
export function createBackendKiller(ownerUrl: string): {
  kill: () => Promise<number>;
  end: () => Promise<void>;
} {
  const pool = new Pool({ connectionString: ownerUrl, max: 1 });
  return {
    kill: async () => {
      const { rowCount } = await pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );
      return rowCount ?? 0;
    },
    end: () => pool.end(),
  };
}
