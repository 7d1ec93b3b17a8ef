import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { startLab, type Lab, type LabHost } from '@/e2e/lab/lab';
import { serveArtifacts } from '@/e2e/lab/rke2/artifact-server';
import { buildArtifacts } from '@/e2e/lab/rke2/artifacts';
import type { RunEvent } from '@/lib/run/run-event';
import { findFreePort } from '@/lib/testing/find-free-port';
import {
  makeDataDir,
  removeDataDir,
  startSiteplan,
  waitUntilReady,
  type SiteplanProcess,
} from '@/lib/testing/siteplan-process';
import { waitFor } from '@/lib/testing/wait-for';
import { createApiClient, type ApiClient } from './support/api-client';
import { findCanaries, searchFiles, watchProcesses, type Canary } from './support/secret-search';
import {
  ADMIN,
  createThinSite,
  passChecks,
  plan,
  preflight,
  queryDatabase,
  signInByToken,
} from './support/thin-site';

let lab: Lab;
let mirror: Awaited<ReturnType<typeof serveArtifacts>>;
let siteplan: SiteplanProcess;
let api: ApiClient;
let token = '';
const dataDir = makeDataDir();
const outputs: string[] = [];

async function start(port: number): Promise<void> {
  siteplan = await startSiteplan({
    dataDir,
    port,
    env: { SITEPLAN_ADMIN_EMAIL: ADMIN.email, SITEPLAN_ADMIN_PASSWORD: ADMIN.password },
  });
  await waitUntilReady(siteplan);
}

beforeAll(async () => {
  const hosts = ['s1', 's2', 's3', 's4'].map((name) => ({ name }));
  lab = await startLab({ name: 'thin-path', hosts });
  await buildArtifacts(`${lab.dir}/artifacts`);
  mirror = await serveArtifacts(`${lab.dir}/artifacts`, lab.gateway);
  await start(await findFreePort());
  ({ api, token } = await signInByToken(siteplan));
});
beforeEach(() => {
  onTestFailed(() => {
    process.stderr.write(siteplan.output().slice(-6_000));
  });
});
afterAll(async () => {
  await siteplan?.stop();
  await mirror?.close();
  await lab?.stop();
  removeDataDir(dataDir);
});

function hostNamed(name: string): LabHost {
  const host = lab.hosts.find((candidate) => candidate.name === name);
  if (!host) throw new Error(`no host ${name}`);
  return host;
}

async function startRun(siteId: string): Promise<string> {
  await passChecks(api, siteId);
  const { planId, problems } = await plan(api, siteId);
  expect(problems).toEqual([]);
  const { id } = (await api.call('POST', `/plans/${planId}/run`)) as { id: string };
  return id;
}

/** Waits until the act of a step whose title matches runs on the host. */
async function waitForAct(
  runId: string,
  titles: ReadonlyMap<string, string>,
  pattern: RegExp,
): Promise<void> {
  await waitFor(
    async () =>
      (await api.events(runId)).some(
        ({ body }) => body.type === 'step.act-started' && pattern.test(titles.get(body.stepId) ?? ''),
      ),
    { what: `the act of ${pattern}`, timeoutMs: 60_000, everyMs: 250 },
  );
}

async function readTitles(runId: string): Promise<Map<string, string>> {
  const { planId } = await api.run(runId);
  const view = (await api.call('GET', `/plans/${planId}`)) as {
    plan: { steps: { id: string; title: string }[] };
  };
  return new Map(view.plan.steps.map(({ id, title }) => [id, title]));
}

/** Every step started its act at most once, finished exactly once, and the log has no gap. */
function expectOnce(events: readonly RunEvent[], attempts = 1): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  const acts = events.flatMap(({ body }) =>
    body.type === 'step.act-started' ? [`${body.stepId} ${body.attempt}`] : [],
  );
  expect(new Set(acts).size).toBe(acts.length);
  const finished = events.flatMap(({ body }) => (body.type === 'step.finished' ? [body.stepId] : []));
  expect(new Set(finished).size).toBe(finished.length);
  const ranges = new Map<string, number>();
  for (const { body } of events) {
    if (body.type !== 'step.output' || attempts > 1) continue; // a second attempt has a journal of its own
    expect(body.offset).toBe(ranges.get(body.stepId) ?? 0);
    ranges.set(body.stepId, body.nextOffset);
  }
}

async function expectDone(siteId: string, runId: string, { attempts = 1 } = {}): Promise<void> {
  const run = await api.waitForRun(runId);
  const events = await api.events(runId);
  if (run.state !== 'done') throw new Error(JSON.stringify(events.slice(-8), null, 1));
  expect(run.stepsDone).toBe(run.steps);
  expectOnce(events, attempts);
  expect(await plan(api, siteId)).toMatchObject({ steps: 0, problems: [] });
}

async function expectHealthy(siteId: string): Promise<void> {
  await waitFor(
    async () => {
      const { now } = (await api.call('GET', `/sites/${siteId}/health`)) as { now: { state: string } | null };
      return now?.state === 'healthy';
    },
    { what: 'the site to be healthy', timeoutMs: 60_000, everyMs: 500 },
  );
}

describe('the thin path by the API', () => {
  it('makes one RKE2 server from a bare host, plans empty then, watches it, and leaks no secret anywhere', async () => {
    const host = hostNamed('s1');
    let canaries: Canary[] = [];
    const watch = watchProcesses(() => canaries);
    const siteId = await createThinSite(api, host, mirror.url, 'thin');
    const { cells, unreachable } = await preflight(api, siteId);
    expect(unreachable).toEqual([]);
    expect(cells.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(new Set(cells.map(({ checkId }) => checkId)).size).toBeGreaterThanOrEqual(12);

    const runId = await startRun(siteId);
    await expectDone(siteId, runId);
    await expectHealthy(siteId);
    const kubeconfig = (await lab.exec('s1', ['cat', '/etc/rancher/rke2/rke2.yaml'])).stdout;
    const config = (await lab.exec('s1', ['cat', '/etc/rancher/rke2/config.yaml'])).stdout;
    const find = (text: string, pattern: RegExp) => pattern.exec(text)?.[1] ?? 'not found at all';
    canaries = [
      { name: 'server token', value: find(config, /^token: "?([^"\n]+)"?$/m) },
      { name: 'agent token', value: find(config, /^agent-token: "?([^"\n]+)"?$/m) },
      { name: 'admin client key', value: find(kubeconfig, /client-key-data: (\S+)/).slice(0, 200) },
      { name: 'ssh key', value: readFileSync(host.privateKeyPath, 'utf8').split('\n')[2] ?? '' },
      { name: 'api token', value: token },
      { name: 'seal key', value: readFileSync(join(dataDir, 'keys/seal.key'), 'utf8').split('\n')[1] ?? '' },
    ];
    for (const { name, value } of canaries) expect(value.length, name).toBeGreaterThan(20);

    const { found, looks } = watch.stop();
    expect(found).toEqual([]);
    expect(looks).toBeGreaterThan(100);
    expect(searchFiles(dataDir, canaries, ['keys'])).toEqual([]); // tables, indexes, write-ahead log
    const tables = await queryDatabase<{ name: string }>(
      siteplan,
      `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`,
    );
    for (const { name } of tables) {
      const rows = await queryDatabase<{ line: string }>(siteplan, `SELECT t::text AS line FROM ${name} t`);
      expect(findCanaries(rows.map(({ line }) => line).join('\n'), canaries), name).toEqual([]);
    }
    const log = siteplan.output() + JSON.stringify(await api.events(runId));
    expect(findCanaries(log, [...canaries, { name: 'admin password', value: ADMIN.password }])).toEqual([]);
    // The search finds what is there: the host's own file holds both tokens.
    expect(findCanaries(config, canaries)).toEqual(['server token', 'agent token']);
  });

  it('hands the kubeconfig to a one-time key, and kubectl works with it', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65).toString('base64');
    const { sites } = (await api.call('GET', '/sites')) as { sites: { id: string; name: string }[] };
    const siteId = sites.find(({ name }) => name === 'thin')?.id ?? '';
    const result = (await api.job(`/sites/${siteId}/kubeconfig`, { publicKey: point })) as { sealed: string };
    expect(result.sealed).not.toContain('client-key-data');
    const { openOneTime } = await import('./support/open-one-time');
    const kubeconfig = openOneTime(privateKey, point, result.sealed);
    expect(kubeconfig).toContain(`server: https://${hostNamed('s1').address}:6443`);
    const kubectl =
      'cat > /run/kubeconfig; /var/lib/rancher/rke2/bin/kubectl --kubeconfig /run/kubeconfig get --raw /readyz';
    // From another host: the address in it must work from outside.
    await lab.exec('s1', ['true']);
    const { stdout } = await lab.exec('s1', ['sh', '-c', kubectl], { input: kubeconfig });
    expect(stdout).toBe('ok');
  });

  it('goes on where it was when the worker is killed in the middle of the run', async () => {
    const siteId = await createThinSite(api, hostNamed('s2'), mirror.url, 'killed worker');
    const runId = await startRun(siteId);
    await waitForAct(runId, await readTitles(runId), /^Start rke2-server/i);
    const { worker } = siteplan.pids();
    process.kill(worker ?? 0, 'SIGKILL');
    await expectDone(siteId, runId);
    const claims = (await api.events(runId)).filter(({ body }) => body.type === 'run.claimed');
    expect(claims.length).toBe(2);
    await expectHealthy(siteId);
  });

  it('goes on where it was when everything is killed, PostgreSQL included', async () => {
    const siteId = await createThinSite(api, hostNamed('s3'), mirror.url, 'killed all');
    const runId = await startRun(siteId);
    await waitForAct(runId, await readTitles(runId), /^Start rke2-server/i);
    outputs.push(siteplan.output());
    await siteplan.killAll();
    await start(Number(new URL(siteplan.url).port));
    api = createApiClient(siteplan.url, token);
    await expectDone(siteId, runId);
    await expectHealthy(siteId);
  });

  it('tells silence from health: a frozen host is stale within seconds, and healthy again after', async () => {
    const { sites } = (await api.call('GET', '/sites')) as { sites: { id: string; name: string }[] };
    const siteId = sites.find(({ name }) => name === 'thin')?.id ?? '';
    const state = async () => {
      const { now } = (await api.call('GET', `/sites/${siteId}/health`)) as {
        now: { state: string; nodes: { state: string; reasons: string[] }[] };
      };
      return now;
    };
    await expectHealthy(siteId);
    await lab.failHost('s1', 'freeze');
    const stale = await waitFor(async () => (await state()).state !== 'healthy' && (await state()), {
      what: 'the site to be anything but healthy',
      timeoutMs: 30_000,
      everyMs: 500,
    });
    expect(stale.nodes[0]?.state).toMatch(/stale|down/);
    expect(stale.nodes[0]?.reasons.join()).not.toBe('');
    await lab.healHost('s1');
    await expectHealthy(siteId);
  });
});

describe('a host of another site', () => {
  it('is neither taken over nor uninstalled by a second site', async () => {
    const siteId = await createThinSite(api, hostNamed('s1'), mirror.url, 'second on s1');
    for (const kind of ['apply', 'uninstall']) {
      const { planId, problems } = await plan(api, siteId, kind);
      expect(planId).toBeNull();
      expect(problems[0]?.message).toBe('s1 belongs to the site thin already.');
    }
  });
});

describe('a drawing that its own rules call wrong', () => {
  it('is not planned, by the API as little as by the browser', async () => {
    const siteId = await createThinSite(api, hostNamed('s4'), mirror.url, 'doubled');
    const { topology, etag } = (await api.call('GET', `/sites/${siteId}/topology`)) as {
      topology: { nodes: { id?: string }[] };
      etag: string;
    };
    const [node] = topology.nodes;
    const { id: _id, ...twin } = { ...node };
    const doubled = { ...topology, nodes: [node, twin] };
    const response = await fetch(`${siteplan.url}/api/v1/sites/${siteId}/topology`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'if-match': `"${etag}"`,
      },
      body: JSON.stringify(doubled),
    });
    if (!response.ok) return expect(response.status).toBe(422); // refused even earlier
    const { planId, problems } = await plan(api, siteId);
    expect(planId).toBeNull();
    expect(problems.length).toBeGreaterThan(0);
  });
});

describe('a plan that is no longer true', () => {
  let siteId = '';
  const expectRefused = async (runId: string, words: RegExp): Promise<void> => {
    const run = await api.waitForRun(runId);
    expect(run.state).toBe('failed');
    const events = await api.events(runId);
    expect(events.some(({ body }) => body.type === 'step.started')).toBe(false);
    const end = events.at(-1)?.body;
    if (end?.type !== 'run.finished') throw new Error('the log does not end with the end');
    expect(end.failure?.code).toBe('plan-stale');
    expect(end.failure?.message).toMatch(words);
  };

  it('is not started when a host changed since (contract 5)', async () => {
    siteId = await createThinSite(api, hostNamed('s4'), mirror.url, 'stale');
    await passChecks(api, siteId);
    const { planId } = await plan(api, siteId);
    await lab.exec('s4', ['sh', '-c', 'echo "# by hand" > /etc/sysctl.d/90-siteplan-rke2.conf']);
    const { id } = (await api.call('POST', `/plans/${planId}/run`)) as { id: string };
    await expectRefused(id, /hosts changed/);
    const { stdout } = await lab.exec('s4', ['cat', '/etc/sysctl.d/90-siteplan-rke2.conf']);
    expect(stdout).toBe('# by hand\n');
  });

  it('is not started when its row was tampered with, and holds no scripts (contract 4)', async () => {
    await passChecks(api, siteId);
    const { planId } = await plan(api, siteId);
    const [row] = await queryDatabase<{ body: string }>(
      siteplan,
      'SELECT body::text AS body FROM plan WHERE id = $1',
      [planId],
    );
    expect(row?.body).not.toMatch(/set -eu|#!\/bin\/sh|systemctl start/);
    await queryDatabase(
      siteplan,
      `UPDATE plan SET body = replace(body::text, '0600', '0666')::jsonb WHERE id = $1`,
      [planId],
    );
    const { id } = (await api.call('POST', `/plans/${planId}/run`)) as { id: string };
    await expectRefused(id, /stored plan is not/);
  });

  it('goes on after a failure, once its cause is mended and somebody asks for it', async () => {
    const inTheWay = '/etc/sysctl.d/90-siteplan-rke2.conf';
    await lab.exec('s4', ['sh', '-c', `rm -rf ${inTheWay} && mkdir ${inTheWay}`]);
    const runId = await startRun(siteId);
    const failed = await api.waitForRun(runId);
    expect(failed.state).toBe('failed');
    await lab.exec('s4', ['rmdir', inTheWay]);
    await api.call('POST', `/runs/${runId}/retry`);
    await expectDone(siteId, runId, { attempts: 2 });
  });

  it('cannot even be made when the host shows another key than the pinned one (S11)', async () => {
    await lab.exec('s4', ['sh', '-c', 'rm /etc/ssh/ssh_host_*; ssh-keygen -A && systemctl restart ssh']);
    const { planId, problems } = await plan(api, siteId);
    expect(planId).toBeNull();
    expect(problems[0]?.message).toMatch(/key/);
    const scan = (await api.job(`/sites/${siteId}/host-keys/scan`)) as { nodes: { state: string }[] };
    expect(scan.nodes[0]?.state).toBe('changed');
  });
});
