import { randomBytes } from 'node:crypto';
import { buildProgram } from '@/lib/testing/build-program';
import { startOwnCluster, type OwnCluster, type OwnClusterDatabase } from '@/lib/testing/own-database';
import { startSshd, type TestSshd } from '@/lib/testing/sshd';
import { listMarked, MARKER } from './leftovers';
import { spawnWorker, type SoakWorker, type SpawnWorkerOptions } from './spawn-worker';
import { createTrial, type Trial, type TrialOptions } from './trial';

/** A place for trials one after the other: a database, an sshd, and the workers that were started for it. */
export interface Lane {
  readonly database: OwnClusterDatabase;
  readonly sshd: TestSshd;
  /** Value of the mark in the environment of everything that runs on the lane's hosts. */
  readonly mark: string;
  readonly spawnWorker: (
    options?: Partial<Pick<SpawnWorkerOptions, 'ttlMs' | 'clockShiftMs'>>,
  ) => Promise<SoakWorker>;
  /** Those that are alive. */
  readonly workers: () => readonly SoakWorker[];
  /** Which worker holds the site's lease, if one of these does. */
  readonly findOwner: (siteId: string) => Promise<SoakWorker | null>;
  readonly createTrial: (options: Omit<TrialOptions, 'database' | 'sshd'>) => Promise<Trial>;
  /** Milliseconds by the database's clock. */
  readonly nowMs: () => Promise<number>;
  /** Faults of workers that were replaced, and of those that are there. */
  readonly findFaults: () => string[];
}

export interface SoakRig {
  readonly cluster: OwnCluster;
  readonly openLane: () => Promise<Lane>;
  readonly stop: () => Promise<void>;
}

async function openLane(
  rig: { cluster: OwnCluster; program: string; ttlMs: number },
  name: string,
): Promise<{ lane: Lane; close: () => Promise<void> }> {
  const mark = `${name}-${randomBytes(6).toString('hex')}`;
  const setEnv = `SetEnv ${MARKER}=${mark} SITEPLAN_DETACH=setsid SITEPLAN_GRACE_S=2`;
  const [database, sshd] = await Promise.all([rig.cluster.createDatabase(name), startSshd([setEnv])]);
  const workers: SoakWorker[] = [];
  let spawned = 0;
  const trials: Trial[] = [];
  const lane: Lane = {
    database,
    sshd,
    mark,
    spawnWorker: async (options = {}) => {
      spawned += 1;
      const holder = `${name}-w${spawned}`;
      const { program, ttlMs } = rig;
      const { socketPath } = rig.cluster;
      const worker = await spawnWorker({ program, socketPath, database: name, holder, ttlMs, ...options });
      workers.push(worker);
      return worker;
    },
    workers: () => workers.filter((worker) => worker.isAlive()),
    findOwner: async (siteId) => {
      const { rows } = await database.owner.query<{ holder: string | null }>(
        'SELECT holder FROM site_lease WHERE site_id = $1 AND lease_until > now()',
        [siteId],
      );
      return workers.find(({ holder, isAlive }) => holder === rows[0]?.holder && isAlive()) ?? null;
    },
    createTrial: async (options) => {
      const trial = await createTrial({ ...options, database, sshd });
      trials.push(trial);
      return trial;
    },
    nowMs: async () => {
      const { rows } = await database.owner.query<{ ms: string }>(
        'SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms',
      );
      return Number(rows[0]?.ms);
    },
    findFaults: () => workers.flatMap((worker) => worker.findFaults()),
  };
  const close = async () => {
    await Promise.all(lane.workers().map((worker) => worker.kill()));
    for (const pid of await listMarked(mark)) process.kill(pid, 'SIGKILL');
    await Promise.all(trials.map((trial) => trial.remove()));
    await sshd.stop();
  };
  return { lane, close };
}

/** Starts what every soak stands on: one PostgreSQL, and the worker's program. `ttlMs` is the life of a lease. */
export async function startSoakRig(options: { readonly ttlMs: number }): Promise<SoakRig> {
  const [cluster, program] = await Promise.all([
    startOwnCluster(),
    buildProgram('lib/bench/soak/soak-worker.ts'),
  ]);
  const closers: (() => Promise<void>)[] = [];
  let lanes = 0;
  return {
    cluster,
    openLane: async () => {
      lanes += 1;
      const { lane, close } = await openLane({ cluster, program: program.path, ...options }, `lane${lanes}`);
      closers.push(close);
      return lane;
    },
    stop: async () => {
      const ended = await Promise.allSettled(closers.map((close) => close()));
      await cluster.stop();
      await program.remove();
      const failed = ended.find((one) => one.status === 'rejected');
      if (failed) throw failed.reason;
    },
  };
}
