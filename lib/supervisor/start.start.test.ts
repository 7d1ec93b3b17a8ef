import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFreePort } from '@/lib/testing/find-free-port';
import {
  makeDataDir,
  removeDataDir,
  startSiteplan,
  waitUntilReady,
  type SiteplanProcess,
} from '@/lib/testing/siteplan-process';
import { waitFor } from '@/lib/testing/wait-for';

const dirs: string[] = [];
const started: SiteplanProcess[] = [];

beforeAll(() => {
  execFileSync(process.execPath, ['lib/supervisor/bootstrap.mjs', 'prepare'], { stdio: 'inherit' });
});
afterAll(async () => {
  for (const siteplan of started) await siteplan.killAll().catch(() => undefined);
  for (const dir of dirs) removeDataDir(dir);
});

function newDataDir(): string {
  const dir = makeDataDir();
  dirs.push(dir);
  return dir;
}

async function start(options: Parameters<typeof startSiteplan>[0]): Promise<SiteplanProcess> {
  const siteplan = await startSiteplan(options);
  started.push(siteplan);
  return siteplan;
}

const statusOf = async (siteplan: SiteplanProcess, path: string) =>
  (await fetch(`${siteplan.url}${path}`, { redirect: 'manual' })).status;

describe('npm start', () => {
  it('serves, offers the set-up link, refuses a second start, stops in order and finds its data again', async () => {
    const dataDir = newDataDir();
    const port = await findFreePort();
    const first = await start({ dataDir, port });
    await waitUntilReady(first);
    expect(await statusOf(first, '/readyz')).toBe(200);
    const link = await waitFor(() => first.setupUrl(), { what: 'the set-up link' });
    expect((await fetch(link)).status).toBe(200);

    const second = await start({ dataDir });
    await waitFor(() => second.exitCode() !== null, { what: 'the second start to give up' });
    expect(second.exitCode()).toBe(1);
    expect(second.output()).toContain(`Another Siteplan is already running on ${dataDir}. Stop it first`);
    expect(await statusOf(first, '/readyz')).toBe(200);

    const pids = first.pids();
    expect(await first.stop()).toBe(0);
    for (const pid of Object.values(pids)) expect(existsSync(`/proc/${pid}`), `process ${pid}`).toBe(false);

    const installation = readFileSync(join(dataDir, 'keys/seal.pub'), 'utf8');
    const again = await start({ dataDir, port });
    await waitUntilReady(again);
    expect(readFileSync(join(dataDir, 'keys/seal.pub'), 'utf8')).toBe(installation);
    expect(await again.stop()).toBe(0);
  });

  it('recovers by itself after kill -9 of everything, and of each process alone', async () => {
    const dataDir = newDataDir();
    const env = { SITEPLAN_ADMIN_EMAIL: 'ann@example.com', SITEPLAN_ADMIN_PASSWORD: 'correct horse battery' };
    const first = await start({ dataDir, env });
    await waitUntilReady(first);
    expect(first.setupUrl()).toBeNull();
    await first.killAll();

    const second = await start({ dataDir, env });
    await waitUntilReady(second);
    for (const name of ['worker', 'web', 'postgres'] as const) {
      const victim = await waitFor(() => second.pids()[name], { what: `the ${name} process` });
      process.kill(victim, 'SIGKILL');
      await waitFor(() => (second.pids()[name] ?? victim) !== victim, {
        what: `a new ${name}`,
        timeoutMs: 30_000,
      });
      await waitFor(async () => (await statusOf(second, '/readyz')) === 200, {
        what: `readiness after the ${name} was killed`,
        timeoutMs: 30_000,
      });
    }
    // The supervisor alone: its children end with it, and what they leave does not stop the next start.
    const { supervisor, web, worker } = second.pids();
    process.kill(supervisor, 'SIGKILL');
    await waitFor(() => [web, worker].every((pid) => !existsSync(`/proc/${pid}`)), {
      what: 'the children to end',
    });
    const third = await start({ dataDir, env });
    await waitUntilReady(third);
    expect(await third.stop()).toBe(0);
  });

  it('keeps keys for its own eyes and the database off the network', async () => {
    const dataDir = newDataDir();
    const siteplan = await start({ dataDir });
    await waitUntilReady(siteplan);
    expect(statSync(join(dataDir, 'keys')).mode & 0o777).toBe(0o700);
    expect(statSync(join(dataDir, 'keys/seal.key')).mode & 0o777).toBe(0o600);
    expect(statSync(join(dataDir, 'run')).mode & 0o777).toBe(0o700);
    const { postgres } = siteplan.pids();
    const sockets = execFileSync('ss', ['-ltnp'], { encoding: 'utf8' });
    expect(sockets).not.toContain(`pid=${postgres},`);
    await siteplan.stop();
  });

  it.each([
    [{ PORT: 'http' }, 'PORT must be a port number.'],
    [{ HOST: '0.0.0.0' }, 'SITEPLAN_PUBLIC_URL must be an https URL'],
    [{ SITEPLAN_ADMIN_EMAIL: 'ann@example.com' }, 'SITEPLAN_ADMIN_PASSWORD must be set too.'],
  ])('stops with one clear line for %j', async (env, line) => {
    const siteplan = await start({ dataDir: newDataDir(), env });
    await waitFor(() => siteplan.exitCode() !== null, { what: 'the start to give up' });
    expect(siteplan.exitCode()).toBe(1);
    const said = siteplan.output().trim();
    expect(said).toContain(line);
    expect(said.split('\n')).toHaveLength(1);
  });
});
