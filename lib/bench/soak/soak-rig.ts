import { randomBytes } from 'node:crypto';
import { buildProgram } from '@/lib/testing/build-program';
import { startOwnCluster, type OwnCluster, type OwnClusterDatabase } from '@/lib/testing/own-database';
import { startSshd, type TestSshd } from '@/lib/testing/sshd';
import { createCrew, type Crew } from './crew';
import { listMarked, MARKER } from './leftovers';
import { createTrial, type Trial, type TrialOptions } from './trial';

/** A place for trials one after the other: a database, an sshd, and the workers that were started for it. */
export interface Lane extends Crew {
  readonly database: OwnClusterDatabase;
  readonly sshd: TestSshd;
  /** Value of the mark in the environment of everything that runs on the lane's hosts. */
  readonly mark: string;
  readonly createTrial: (options: Omit<TrialOptions, 'database' | 'sshd'>) => Promise<Trial>;
  /** Milliseconds by the database's clock. */
  readonly nowMs: () => Promise<number>;
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
  const { program, ttlMs } = rig;
  const { socketPath } = rig.cluster;
  const crew = createCrew(database, name, { program, socketPath, database: name, ttlMs });
  const trials: Trial[] = [];
  const lane: Lane = {
    ...crew,
    database,
    sshd,
    mark,
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
  };
  const close = async () => {
    await Promise.all(crew.workers().map((worker) => worker.kill()));
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
