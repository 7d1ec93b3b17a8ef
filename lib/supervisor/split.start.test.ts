import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureDatabase, startCluster, type Cluster } from '@/lib/db/embedded-cluster';
import { toChildEnv } from '@/lib/env/child-env';
import { ensureKeys } from '@/lib/secrets/keys';
import { findFreePort } from '@/lib/testing/find-free-port';
import { makeDataDir, removeDataDir } from '@/lib/testing/siteplan-process';
import { waitFor } from '@/lib/testing/wait-for';

const dataDir = makeDataDir();
const started: ChildProcess[] = [];
let cluster: Cluster;
let output = '';

beforeAll(async () => {
  cluster = await startCluster({ dataDir, onLog: () => undefined });
  await ensureDatabase(cluster, 'siteplan');
  await ensureKeys(join(dataDir, 'keys'));
  // What a web host gets: everything but the key that opens secrets.
  mkdirSync(join(dataDir, 'web-keys'), { mode: 0o700 });
  for (const name of ['seal.pub', 'session.key', 'action.key', 'audit.key']) {
    copyFileSync(join(dataDir, 'keys', name), join(dataDir, 'web-keys', name));
  }
});
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  await cluster.stop();
  removeDataDir(dataDir);
});

function start(mode: 'web' | 'worker', env: Readonly<Record<string, string>>): ChildProcess {
  const child = spawn(process.execPath, ['lib/supervisor/bootstrap.mjs', mode], {
    env: toChildEnv({ HOST: '127.0.0.1', SITEPLAN_DATA_DIR: dataDir, ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
  }
  started.push(child);
  return child;
}

async function stop(child: ChildProcess): Promise<number | null> {
  child.kill('SIGTERM');
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

it('runs web and worker apart, the web as a login that can neither migrate nor open a secret', async () => {
  const port = await findFreePort();
  const worker = start('worker', {
    DATABASE_URL: cluster.urlFor('siteplan', 'siteplan'),
    SITEPLAN_KEYS_DIR: join(dataDir, 'keys'),
  });
  await waitFor(() => output.includes('worker started'), {
    what: `the worker: ${output}`,
    timeoutMs: 60_000,
  });
  const web = start('web', {
    PORT: String(port),
    DATABASE_URL: cluster.urlFor('siteplan_web', 'siteplan'),
    SITEPLAN_KEYS_DIR: join(dataDir, 'web-keys'),
  });
  await waitFor(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200, {
    what: `the web: ${output}`,
    timeoutMs: 120_000,
  });
  const client = new Client({ connectionString: cluster.urlFor('siteplan', 'siteplan') });
  await client.connect();
  const { rows } = await client.query<{ usename: string }>(
    `SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'siteplan_web'`,
  );
  await client.end();
  expect(rows).toEqual([{ usename: 'siteplan_web' }]);
  expect(await stop(web)).toBe(0);
  expect(await stop(worker)).toBe(0);
});

it.each(['web', 'worker'] as const)('says what start:%s needs when DATABASE_URL is missing', async (mode) => {
  output = '';
  const child = start(mode, { DATABASE_URL: '' });
  await waitFor(() => child.exitCode !== null, { what: 'the end', timeoutMs: 120_000 });
  expect(child.exitCode).toBe(1);
  expect(output).toContain(`DATABASE_URL must be set for npm run start:${mode}.`);
});
