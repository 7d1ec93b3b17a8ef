import { readFileSync } from 'node:fs';
import { Pool } from 'pg';
import { Plan } from '@/lib/plan/plan';
import { executeRun } from '@/lib/provision/run-engine';
import { toEngineOptions, type RigHost } from './engine-rig';

/** What the parent hands over, as JSON on standard input. */
export interface EngineChildInput {
  readonly databaseUrl: string;
  readonly runId: string;
  readonly epoch: string;
  readonly plan: Plan;
  readonly hosts: readonly RigHost[];
}

/** Exit code of a child that found its epoch stale. */
export const STALE_EXIT_CODE = 75;

// The parent wrote exactly this shape; the plan is parsed again because its ids are branded.
const input = JSON.parse(readFileSync(0, 'utf8')) as EngineChildInput;
const pool = new Pool({ connectionString: input.databaseUrl, max: 3 });
pool.on('error', () => undefined);

try {
  const { runId, hosts } = input;
  const plan = Plan.parse(input.plan);
  const options = toEngineOptions({ pool }, { runId, epoch: BigInt(input.epoch), plan, hosts });
  process.stdout.write(await executeRun(options));
  process.exitCode = 0;
} catch (error) {
  const isStale = error instanceof Error && error.name === 'StaleEpochError';
  if (!isStale) process.stderr.write(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = isStale ? STALE_EXIT_CODE : 1;
} finally {
  await pool.end();
}
