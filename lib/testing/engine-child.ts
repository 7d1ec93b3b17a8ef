import { readFileSync } from 'node:fs';
import { Pool } from 'pg';
import { Plan } from '@/lib/plan/plan';
import { createRedaction } from '@/lib/provision/redact';
import { executeRun } from '@/lib/provision/run-engine';
import { STALE_EXIT_CODE, type EngineChildInput } from './engine-child-input';
import { openTestCache, toEngineOptions } from './engine-rig';

// The parent wrote exactly this shape; the plan is parsed again because its ids are branded.
const input = JSON.parse(readFileSync(0, 'utf8')) as EngineChildInput;
const pool = new Pool({ connectionString: input.databaseUrl, max: 3 });
pool.on('error', () => undefined);

// Without the test that started it nobody would ever end it: an engine waits for its database for ever.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, 500).unref();

try {
  const { runId, hosts } = input;
  const plan = Plan.parse(input.plan);
  const options = toEngineOptions({ pool }, { runId, epoch: BigInt(input.epoch), plan, hosts });
  const artifacts = input.artifactsDir === undefined ? null : openTestCache(input.artifactsDir);
  const secrets = input.secrets ?? {};
  const redaction = createRedaction(Object.values(secrets));
  const state = await executeRun({
    ...options,
    redaction,
    secretValue: ({ id }) => secrets[id],
    ...(artifacts && { artifacts }),
  });
  process.stdout.write(state);
  process.exitCode = 0;
} catch (error) {
  const isStale = error instanceof Error && error.name === 'StaleEpochError';
  if (!isStale) process.stderr.write(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = isStale ? STALE_EXIT_CODE : 1;
} finally {
  await pool.end();
}
