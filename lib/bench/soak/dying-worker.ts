import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { connectDatabase } from '@/lib/db/connect';
import { createLogger } from '@/lib/log/logger';
import { toKeyId } from '@/lib/secrets/seal';
import { runSiteLoop } from '@/lib/worker/site-loop';
import { countStatements } from '@/lib/testing/count-statements';
import { RIG_INSTALLATION, RIG_POLICY } from '@/lib/testing/engine-rig';

/** What the test hands to a worker that shall die, as JSON on standard input. */
export const DyingWorkerInput = z.object({
  databaseUrl: z.string(),
  /** Private seal key, PEM. */
  sealKey: z.string(),
  /** The process kills itself instead of its n-th statement; 0 means never. */
  dieAt: z.int(),
  ttlMs: z.int(),
  pollMs: z.int(),
});
export type DyingWorkerInput = z.infer<typeof DyingWorkerInput>;

/* A worker's loop over sites with the real planner and engine, which dies of SIGKILL where the test wants it. */
const input = DyingWorkerInput.parse(JSON.parse(readFileSync(0, 'utf8')));
const privateKey = createPrivateKey(input.sealKey);
const key = createPublicKey(privateKey);

countStatements((count) => {
  if (count !== input.dieAt) return null;
  process.kill(process.pid, 'SIGKILL');
  for (;;); // the signal may take a moment, in which nothing may be sent
});

// Without the test that started it nobody would ever end it.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, 500).unref();

const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
await runSiteLoop(
  {
    db: connectDatabase(input.databaseUrl, 'siteplan_worker', { maxConnections: 5 }),
    log: createLogger('dying-worker'),
    sealKey: { key, privateKey, keyId: toKeyId(key) },
    policy: RIG_POLICY,
    holder: `dying ${process.pid}`,
    installationId: RIG_INSTALLATION,
    signal: stop.signal,
  },
  { ttlMs: input.ttlMs, pollMs: input.pollMs },
);
process.exit(0);
