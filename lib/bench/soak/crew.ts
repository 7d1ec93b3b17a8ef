import type { OwnClusterDatabase } from '@/lib/testing/own-database';
import { spawnWorker, type SoakWorker, type SpawnWorkerOptions } from './spawn-worker';

/** The workers of one database: processes of their own, which are killed and replaced. */
export interface Crew {
  readonly spawnWorker: (
    options?: Partial<Pick<SpawnWorkerOptions, 'ttlMs' | 'clockShiftMs'>>,
  ) => Promise<SoakWorker>;
  /** Those that are alive. */
  readonly workers: () => readonly SoakWorker[];
  /** Which worker holds the site's lease, if one of these does. */
  readonly findOwner: (siteId: string) => Promise<SoakWorker | null>;
  /** Faults of workers that were replaced, and of those that are there. */
  readonly findFaults: () => string[];
}

/** A crew without workers yet; `name` begins the names that they have in leases. */
export function createCrew(
  { owner }: OwnClusterDatabase,
  name: string,
  base: Omit<SpawnWorkerOptions, 'holder' | 'clockShiftMs'>,
): Crew {
  const workers: SoakWorker[] = [];
  let spawned = 0;
  return {
    spawnWorker: async (options = {}) => {
      spawned += 1;
      const worker = await spawnWorker({ ...base, holder: `${name}-w${spawned}`, ...options });
      workers.push(worker);
      return worker;
    },
    workers: () => workers.filter((worker) => worker.isAlive()),
    findOwner: async (siteId) => {
      const { rows } = await owner.query<{ holder: string | null }>(
        'SELECT holder FROM site_lease WHERE site_id = $1 AND lease_until > now()',
        [siteId],
      );
      return workers.find(({ holder, isAlive }) => holder === rows[0]?.holder && isAlive()) ?? null;
    },
    findFaults: () => workers.flatMap((worker) => worker.findFaults()),
  };
}
