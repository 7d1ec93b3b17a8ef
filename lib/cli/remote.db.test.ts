import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '@/app/api/openapi/routes';
import { sealTo } from '@/lib/secrets/seal-to';
import { insertPreflight } from '@/lib/testing/factories';
import { createRemoteRig, type RemoteRig } from '@/lib/testing/remote-rig';
import { createRunScene } from '@/lib/testing/run-scene';
import { waitFor } from '@/lib/testing/wait-for';

/* The real program against the real handlers behind a real HTTP server; only the hosts' side of a worker is written here. */

let remote: RemoteRig;
let database: RemoteRig['database'];
let server: RemoteRig['server'];
let rig: RemoteRig['cli'];
let endJob: RemoteRig['endJob'];
let siteId: string;
const SITE = `pattern: custom\nnodes:\n  - { name: s1, role: server, internalIp: 192.0.2.1 }\n`;

beforeAll(async () => {
  remote = await createRemoteRig(ROUTES);
  ({ database, server, cli: rig, endJob } = remote);
  await rig.file('wrong', `sp_${'A'.repeat(43)}`);
  await rig.file('site.yaml', SITE);
});
afterAll(() => remote.stop());

describe('login', () => {
  it.each([
    [['site', 'list'], 3, 'There is no token. Use login first, or --token-file FILE.'],
    [['site', 'list', '--token-file', 'wrong'], 3, 'The token is unknown, revoked or expired.'],
    [
      ['site', 'list', '--token-file', 'token', '--url', 'http://127.0.0.1:1'],
      4,
      'does not answer. Check the address',
    ],
    [['site', 'list', '--token-file', 'token', '--url', 'http://192.0.2.1'], 2, 'by https only'],
    [['site', 'list', '--token-file', 'token', '--url', 'ftp://a'], 2, 'must be an http or https URL'],
    [['login', '--token-file', 'wrong'], 3, 'The token is unknown, revoked or expired.'],
    [['site', 'create', 'no', '--token-file', 'viewer'], 3, 'You may not create sites'],
  ])('refuses %j with %i', async (words, code, sentence) => {
    const ended = await rig.run(words);
    expect(ended.stderr).toContain(sentence);
    expect(ended.code).toBe(code);
    expect(ended.stderr).not.toContain((await readFile(join(rig.dir, 'token'), 'utf8')).trim());
  });

  it('keeps a token that works, for this user alone', async () => {
    expect(await rig.run(['login', '--token-file', 'token'])).toMatchObject({ code: 0, stderr: '' });
    expect((await stat(join(rig.dir, '.config/siteplan/login.json'))).mode & 0o777).toBe(0o600);
    expect((await rig.run(['site', 'list'])).stdout).toBe('There are no sites that you may see.\n');
    const elsewhere = await rig.run(['site', 'list', '--url', 'https://siteplan.example.net']);
    expect(elsewhere).toMatchObject({ code: 2 });
    expect(elsewhere.stderr).toContain(`The stored token is for ${server.url}.`);
  });
});

describe('site, topology and findings', () => {
  it('creates a site from a file and shows it', async () => {
    const made = await rig.run(['site', 'create', 'edge 1', '-f', 'site.yaml', '--json']);
    expect(made).toMatchObject({ code: 0 });
    siteId = (JSON.parse(made.stdout) as { siteId: string }).siteId; // a TopologyView
    expect((await rig.run(['site', 'get', 'edge 1'])).stdout).toMatch(
      new RegExp(`${siteId} +edge 1 +custom +1/0/0`),
    );
    expect(await rig.run(['site', 'create', 'edge 1'])).toMatchObject({ code: 1 });
    const none = await rig.run(['site', 'get', 'edge 2']);
    expect(none).toMatchObject({
      code: 1,
      stderr: 'There is no site edge 2, or you may not see it. See: site list.\n',
    });
  });

  it('takes a topology out and in again, and refuses one that is out of date', async () => {
    const { stdout, stderr } = await rig.run(['topology', 'get', siteId]);
    const etag = /^# etag "(\w+)"$/m.exec(stderr)?.[1] ?? '';
    await rig.file('changed.yaml', stdout.replace('name: s1', 'name: s9'));
    const put = ['topology', 'put', siteId, '-f', 'changed.yaml', '--etag', etag];
    expect((await rig.run(put)).stdout).toContain('is at revision 2.');
    await rig.file('changed.yaml', stdout);
    const late = await rig.run(put);
    expect(late).toMatchObject({ code: 1 });
    expect(late.stderr).toContain('saved revision 2 in the meantime.');
    expect(await rig.run(['topology', 'put', siteId, '-f', '-'], { input: 'nodes: [' })).toMatchObject({
      code: 1,
    });
  });

  it('ends with 5 for a topology with an error, and cleans what the server says', async () => {
    const hostile = `${SITE}notes: "x"\n`.replace('192.0.2.1', '10.42.0.1');
    await rig.file('bad.yaml', hostile);
    const { code, stdout } = await rig.run(['findings', siteId, '-f', 'bad.yaml']);
    expect(code).toBe(5);
    expect(stdout).toMatch(/^error +\S+ +/m);
    await database.worker.pool.query(`UPDATE site SET name = $1 WHERE id = $2`, [
      'a\u001b[2Jb\u202ec',
      siteId,
    ]);
    const list = await rig.run(['site', 'list']);
    const json = await rig.run(['site', 'list', '--json']);
    await database.worker.pool.query(`UPDATE site SET name = 'edge 1' WHERE id = $1`, [siteId]);
    expect(list.stdout).toContain('ab\ufffdc');
    for (const { stdout: text } of [list, json]) expect(text).not.toMatch(/[\u001b\u202e]/);
    expect(JSON.parse(json.stdout)).toMatchObject([{ name: 'a\u001b[2Jb\u202ec' }]);
  });
});

describe('work on hosts', () => {
  it('shows red checks and what to do, and ends with 5', async () => {
    const { nodeId } = await nodeOf();
    const cell = {
      nodeId,
      checkId: 'cpu',
      title: 'CPU',
      value: '1',
      threshold: '2',
      why: 'few',
      fix: 'Add one.',
    };
    const result = {
      cells: [
        { ...cell, status: 'fail' },
        { ...cell, status: 'ok', title: 'Memory' },
      ],
      ...{ revision: 2, scope: { nodeIds: null, checkIds: null }, links: [], notes: [], unreachable: [] },
      takenAt: new Date().toISOString(),
    };
    const [ended] = await Promise.all([
      rig.run(['preflight', 'edge 1']),
      endJob('preflight', () => ({ state: 'done', result })),
    ]);
    expect(ended.code).toBe(5);
    expect(ended.stdout).toMatch(/^fail +s9 +cpu +CPU +1 +2 +few +Add one\.$/m);
    expect(ended.stdout).not.toContain('Memory');
  });

  it('says why no plan was made, and why a job failed', async () => {
    const problems = [
      { nodeId: null, message: 'The topology has no server.', nextAction: 'Give one the role.' },
    ];
    const [ended] = await Promise.all([
      rig.run(['plan', siteId]),
      endJob('plan', () => ({ state: 'done', result: { planId: null, steps: 0, problems } })),
    ]);
    expect(ended).toMatchObject({ code: 5 });
    expect(ended.stdout).toContain('The topology has no server. Give one the role.');
    const failure = { code: 'internal', message: 'It broke.', nextAction: 'Try again.' };
    const [failed] = await Promise.all([
      rig.run(['plan', siteId]),
      endJob('plan', () => ({ state: 'failed', failure })),
    ]);
    expect(failed).toMatchObject({ code: 1 });
    expect(failed.stderr).toContain('It broke. Try again.');
  });

  it('opens a kubeconfig that was sealed to its own key, and no other', async () => {
    const fetchTo = async (recipient: (own: string) => string) => {
      const seal = ({ publicKey = '' }) => ({
        sealed: sealTo(recipient(publicKey), Buffer.from('apiVersion: v1\n')),
        notAfter: null,
      });
      const [ended] = await Promise.all([
        rig.run(['kubeconfig', siteId, '--out', 'kubeconfig']),
        endJob('kubeconfig', (params) => ({ state: 'done', result: seal(params) })),
      ]);
      return ended;
    };
    const { createECDH } = await import('node:crypto');
    const stranger = createECDH('prime256v1').generateKeys().toString('base64');
    expect(await fetchTo(() => stranger)).toMatchObject({ code: 1, stdout: '' });
    expect(await fetchTo((own) => own)).toMatchObject({ code: 0 });
    const path = join(rig.dir, 'kubeconfig');
    expect(await readFile(path, 'utf8')).toBe('apiVersion: v1\n');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await fetchTo((own) => own)).stderr).toContain('is there already. Choose another name.');
  });
});

async function nodeOf(): Promise<{ nodeId: string }> {
  const { id } = await database.worker.prisma.node.findFirstOrThrow({ where: { siteId } });
  return { nodeId: id };
}

describe('run', () => {
  async function storePlan() {
    const { nodeId } = await nodeOf();
    const scene = createRunScene(database, siteId, [{ nodeId }, { nodeId }]);
    const planId = await scene.storePlan();
    await insertPreflight(database.worker.pool, siteId, { revision: 2 });
    await database.worker.pool.query(
      `UPDATE plan SET revision = 2, body = jsonb_set(body::jsonb, '{revision}', '2'), created_at = now() + interval '1 hour' WHERE id = $1`,
      [planId],
    );
    await database.worker.pool.query(
      "UPDATE run SET created_at = now() - interval '1 day', finished_at = now() - interval '1 day'",
    );
    return { scene, planId };
  }

  it('follows the log to the end, over a cut connection, and ends with what became of it', async () => {
    const { scene, planId } = await storePlan();
    const { end, stdout } = rig.start(['run', planId]);
    await waitFor(() => database.worker.prisma.run.findFirst({ where: { planId } }), { what: 'the run' });
    const claimed = await scene.claim();
    const [first = '', second = ''] = scene.stepIds;
    await scene.endSteps(claimed, { [first]: 'done' });
    await waitFor(() => stdout().includes('s9: step 1 done'), {
      what: 'the first step on the screen',
      timeoutMs: 60_000,
    });
    server.cut();
    await scene.endSteps(claimed, { [second]: 'failed' });
    await scene.endRun(claimed, 'failed');
    const ended = await end;
    expect(ended.code).toBe(5);
    expect(ended.stdout.match(/s9: step 1 done/g)).toHaveLength(1);
    expect(ended.stdout).toContain('s9: step 2 failed: It broke. Look at it.');
    expect(ended.stdout).toMatch(/is failed: \d of 2 steps\.\n$/);
  });

  it('lets the run go on at Ctrl-C and says how to come back', async () => {
    const { scene, planId } = await storePlan();
    const { child, end, stdout } = rig.start(['run', planId]);
    const run = await waitFor(() => database.worker.prisma.run.findFirst({ where: { planId } }), {
      what: 'the run',
    });
    const claimed = await scene.claim();
    const [first = '', second = ''] = scene.stepIds;
    await scene.endSteps(claimed, { [first]: 'done' });
    await waitFor(() => stdout().includes('step 1 done'), {
      what: 'the log on the screen',
      timeoutMs: 60_000,
    });
    child.kill('SIGINT');
    const ended = await end;
    expect(ended.code).toBe(130);
    expect(ended.stderr).toContain(`The run goes on without this window. Come back with: follow ${run.id}.`);
    expect((await rig.run(['runs', '--json'])).stdout).toContain('"state": "running"');
    expect((await rig.run(['cancel', run.id])).stdout).toContain('was asked to end.');
    await scene.endSteps(claimed, { [second]: 'done' });
    await scene.endRun(claimed, 'done');
    const back = await rig.run(['follow', run.id]);
    expect(back).toMatchObject({ code: 0 });
    expect(back.stdout).toMatch(/step 1 done\n[^]*step 2 done\n[^]*is done: \d of 2 steps\.\n$/);
    expect((await rig.run(['follow', 'r-none'])).code).toBe(1);
    expect((await rig.run(['run', planId])).stderr).toContain('A run has changed the hosts');
  });
});
