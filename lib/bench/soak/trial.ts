import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SiteId } from '@/lib/core/ids';
import { insertRun, insertSite } from '@/lib/testing/factories';
import { toTestPlan } from '@/lib/testing/ledger-step';
import type { OwnClusterDatabase } from '@/lib/testing/own-database';
import type { TestSshd } from '@/lib/testing/sshd';
import { waitFor } from '@/lib/testing/wait-for';
import type { HostTarget } from '@/lib/ssh/target';
import { collectEvents } from './collect-events';
import { listLeftFiles } from './leftovers';
import type { RunRecord } from './run-record';
import type { SoakParams } from './soak-step';
import type { SoakHost } from './soak-worker-input';
import { startWire, type Wire } from './wire';

export interface TrialStep extends SoakParams {
  /** `soak.step` unless told. */
  readonly kind?: string;
}

export interface TrialOptions {
  readonly database: OwnClusterDatabase;
  readonly sshd: TestSshd;
  readonly steps: readonly TrialStep[];
  /** The run is not queued before `queue`. */
  readonly isHeld?: boolean;
  /** A site that is there already. */
  readonly siteId?: SiteId;
  /** A whole host instead of a directory behind the lane's sshd. */
  readonly host?: { readonly target: HostTarget; readonly root: string; readonly rootHere: string };
}

/** One run on one host of its own: a directory behind an sshd behind a wire. */
export interface Trial {
  readonly siteId: SiteId;
  readonly runId: string;
  readonly wire: Wire;
  /** The host's `/` as seen from here. */
  readonly root: string;
  readonly host: SoakHost;
  readonly stepIdOf: (name: string) => string;
  /** Lets workers see the run. */
  readonly queue: () => Promise<void>;
  readonly stateOf: (what: 'run' | { readonly step: string }) => Promise<string>;
  readonly countEvents: (type: string) => Promise<number>;
  readonly isOver: () => Promise<boolean>;
  /** Makes a part of a step wait; `at` resolves when it does. */
  readonly hold: (
    part: 'probe' | 'act' | 'verify',
    step: string,
  ) => Promise<{ at: () => Promise<void>; release: () => Promise<void> }>;
  /** What is there now; `leftovers` holds files only. */
  readonly collect: () => Promise<RunRecord>;
  readonly remove: () => Promise<void>;
}

const OPEN = ['queued', 'running'];
/** A run that is over already is nobody's, until it is queued. */
const HELD = 'cancelled';

async function insertTrialRun({ owner }: OwnClusterDatabase, options: TrialOptions, host: SoakHost) {
  const { steps, isHeld } = options;
  const siteId = options.siteId ?? (await insertSite(owner));
  const toStep = ({ kind = 'soak.step', ...params }: TrialStep) => ({ nodeId: host.nodeId, kind, params });
  const plan = { ...toTestPlan(siteId, steps.map(toStep)), kind: 'uninstall' as const };
  const runId = await insertRun(
    owner,
    siteId,
    plan.steps.map(({ id }) => id),
  );
  // An uninstall leaves nothing to watch, so that the site is free again after its run.
  await owner.query(
    `WITH held AS (UPDATE run SET state = $2 WHERE id = $1 RETURNING plan_id)
     UPDATE plan SET kind = 'uninstall', body = $3, facts = $4 FROM held WHERE plan.id = held.plan_id`,
    [runId, isHeld ? HELD : 'queued', JSON.stringify(plan), JSON.stringify([host])],
  );
  if (!isHeld) await owner.query(`SELECT pg_notify('siteplan_work', $1)`, [siteId]);
  return { siteId, plan, runId };
}

function toHold(root: string): Trial['hold'] {
  return async (part, step) => {
    const hold = join(root, `hold.${part}.${step}`);
    await writeFile(hold, '');
    return {
      at: async () => {
        await waitFor(() => existsSync(join(root, `at.${part}.${step}`)), {
          what: `the ${part} of ${step}`,
          everyMs: 5,
        });
      },
      release: () => rm(hold, { force: true }),
    };
  };
}

/** Makes a site with one run of these steps. The record of what became of it is `collect`. */
export async function createTrial(options: TrialOptions): Promise<Trial> {
  const { database, sshd, steps } = options;
  const { owner } = database;
  const root = options.host?.rootHere ?? (await mkdtemp(join(tmpdir(), 'siteplan-soak-')));
  await mkdir(join(root, 'var/lib'), { recursive: true });
  const { address, port } = options.host?.target ?? sshd.target;
  const wire = await startWire({ host: address, port });
  const target = { ...(options.host?.target ?? sshd.target), address: '127.0.0.1', port: wire.port };
  const host: SoakHost = { nodeId: 'n-0', target, root: options.host?.root ?? root };
  const { siteId, plan, runId } = await insertTrialRun(database, options, host).catch(
    async (error: unknown) => {
      await wire.stop();
      throw error;
    },
  );
  const ids = new Map(plan.steps.map(({ id, params }) => [String(params['name']), id]));
  const stateOf: Trial['stateOf'] = async (what) => {
    const { rows } = await (what === 'run'
      ? owner.query<{ state: string }>('SELECT state FROM run WHERE id = $1', [runId])
      : owner.query<{ state: string }>('SELECT state FROM run_step WHERE run_id = $1 AND step_id = $2', [
          runId,
          ids.get(what.step),
        ]));
    return rows[0]?.state ?? '';
  };
  return {
    siteId,
    runId,
    wire,
    root,
    host,
    stepIdOf: (name) => ids.get(name) ?? '',
    queue: async () => {
      await owner.query(`UPDATE run SET state = 'queued' WHERE id = $1`, [runId]);
      await owner.query(`SELECT pg_notify('siteplan_work', $1)`, [siteId]);
    },
    stateOf,
    countEvents: async (type) => {
      const { rows } = await owner.query<{ n: number }>(
        'SELECT count(*)::int AS n FROM run_event WHERE run_id = $1 AND type = $2',
        [runId, type],
      );
      return rows[0]?.n ?? 0;
    },
    isOver: async () => !OPEN.includes(await stateOf('run')),
    hold: toHold(root),
    collect: async () => {
      const { rows } = await owner.query<{ state: string; last_seq: number }>(
        'SELECT state, last_seq FROM run WHERE id = $1',
        [runId],
      );
      const ledger = await readFile(join(root, 'ledger'), 'utf8').catch(() => '');
      return {
        runId,
        state: rows[0]?.state ?? '',
        lastSeq: rows[0]?.last_seq ?? -1,
        events: await collectEvents(database, runId),
        steps: await Promise.all(
          steps.map(async ({ name, floodKind }) => ({
            id: ids.get(name) ?? '',
            name,
            state: await stateOf({ step: name }),
            said: await readFile(join(root, 'said', name)).catch(() => null),
            isPlain: floodKind !== 'junk',
          })),
        ),
        // A whole host has the ledgers of other trials too.
        ledger: ledger
          .split('\n')
          .filter((line) => !options.host || ids.has(line.split(' ')[1] ?? ''))
          .filter(Boolean),
        leftovers: await listLeftFiles(root),
      };
    },
    remove: async () => {
      await wire.stop();
      if (!options.host) await rm(root, { recursive: true, force: true });
    },
  };
}
