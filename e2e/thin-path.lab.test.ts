import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { startLab, type Lab } from '@/e2e/lab/lab';
import { serveArtifacts } from '@/e2e/lab/rke2/artifact-server';
import { buildArtifacts } from '@/e2e/lab/rke2/artifacts';
import {
  makeDataDir,
  removeDataDir,
  startSiteplan,
  waitUntilReady,
  type SiteplanProcess,
} from '@/lib/testing/siteplan-process';
import { waitFor } from '@/lib/testing/wait-for';
import type { ApiClient } from './support/api-client';
import { ADMIN, createThinSite, plan, preflight, signInByToken } from './support/thin-site';

let lab: Lab;
let mirror: Awaited<ReturnType<typeof serveArtifacts>>;
let siteplan: SiteplanProcess;
let api: ApiClient;
const dataDir = makeDataDir();

beforeAll(async () => {
  lab = await startLab({ name: 'thin-path', hosts: [{ name: 's1' }] });
  await buildArtifacts(`${lab.dir}/artifacts`);
  mirror = await serveArtifacts(`${lab.dir}/artifacts`, lab.gateway);
  siteplan = await startSiteplan({
    dataDir,
    env: { SITEPLAN_ADMIN_EMAIL: ADMIN.email, SITEPLAN_ADMIN_PASSWORD: ADMIN.password },
  });
  await waitUntilReady(siteplan);
  ({ api } = await signInByToken(siteplan));
});
beforeEach(() => {
  onTestFailed(() => process.stderr.write(siteplan.output().slice(-6_000)));
});
afterAll(async () => {
  await siteplan?.stop();
  await mirror?.close();
  await lab?.stop();
  removeDataDir(dataDir);
});

describe('the thin path by the API', () => {
  it('makes one RKE2 server from a bare host, then plans empty, then watches it', async () => {
    const siteId = await createThinSite(api, lab, mirror.url, 'thin');
    const { cells, unreachable } = await preflight(api, siteId);
    expect(unreachable).toEqual([]);
    expect(cells.filter(({ status }) => status === 'fail')).toEqual([]);
    const { planId, problems, steps } = await plan(api, siteId);
    expect(problems).toEqual([]);
    expect(steps).toBeGreaterThan(5);
    const started = (await api.call('POST', `/plans/${planId}/run`)) as { id: string };
    const run = await api.waitForRun(started.id);
    if (run.state !== 'done') throw new Error(JSON.stringify((await api.events(run.id)).slice(-8), null, 1));
    expect(run.stepsDone).toBe(run.steps);

    const again = await plan(api, siteId);
    expect(again).toMatchObject({ steps: 0, problems: [] });
    await waitFor(
      async () => {
        const { now } = (await api.call('GET', `/sites/${siteId}/health`)) as { now: { state: string } | null };
        return now?.state === 'healthy';
      },
      { what: 'the site to be healthy', timeoutMs: 60_000 },
    );
  });
});
