import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '@/app/api/openapi/routes';
import { insertPreflight } from '@/lib/testing/factories';
import { createRemoteRig, type RemoteRig } from '@/lib/testing/remote-rig';
import { createRunScene } from '@/lib/testing/run-scene';
import { waitFor } from '@/lib/testing/wait-for';

/* What an operator does without a browser: credentials, host keys, checks, and runs that stopped. */

const FINGERPRINT = `SHA256:${'a'.repeat(43)}`;
const SECRET = 'correct horse battery';
let remote: RemoteRig;
let siteId: string;
let nodeId: string;
const run = (...words: string[]) => remote.cli.run(words);
const prisma = () => remote.database.worker.prisma;

beforeAll(async () => {
  remote = await createRemoteRig(ROUTES);
  await remote.cli.file(
    'site.yaml',
    `pattern: custom\nnodes:\n  - { name: s1, role: server, internalIp: 192.0.2.1 }\n`,
  );
  expect(await run('login', '--token-file', 'token')).toMatchObject({ code: 0 });
  const made = await run('site', 'create', 'edge', '-f', 'site.yaml', '--json');
  ({ siteId } = JSON.parse(made.stdout) as { siteId: string }); // a TopologyView
  ({ id: nodeId } = await prisma().node.findFirstOrThrow({ where: { siteId } }));
});
afterAll(() => remote.stop());

describe('refusals', () => {
  it('name each field that is wrong on a line of its own', async () => {
    const key = 'sp'.repeat(20_000);
    const bad = await remote.cli.run(['credential', 'create', '', '--kind', 'key', '--secret-file', '-'], {
      input: key,
    });
    expect(bad).toMatchObject({ code: 1, stdout: '' });
    expect(bad.stderr).toMatch(/^name: .+\n {2}name: .+\n {2}privateKey: .+\n$/);
    expect(bad.stderr).not.toContain(key.slice(0, 40));
    const one = await run('site', 'create', 'x', '--pattern', 'square');
    expect(one.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('say in every help with what a command ends', async () => {
    for (const words of [['skip'], ['check', 'override'], ['--help']]) {
      const { stdout } = await run(...words, '--help');
      expect(stdout).toMatch(/^Exit codes\n {2}0 +done\n(.+\n)+ {2}5 +looked at, and not good/m);
    }
  });
});

describe('credential', () => {
  it('takes its secret from a file or standard input alone, lists it without, and removes it', async () => {
    const create = ['credential', 'create', 'root', '--kind', 'password', '--secret-file'];
    const made = await remote.cli.run([...create, '-'], { input: `${SECRET}\n` });
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const listed = await run('credential', 'list');
    expect(listed.stdout).toMatch(/^\S+ +root +password +- +0 /m);
    expect(made.stdout + listed.stdout).not.toContain(SECRET);
    await remote.cli.file('open', SECRET, 0o644);
    const open = await remote.cli.run([...create, 'open']);
    expect(open).toMatchObject({ code: 1 });
    expect(open.stderr).toContain('open to other users of this machine');
    expect(await run('credential', 'create', 'no', '--kind', 'king')).toMatchObject({ code: 2 });
    expect(await run('credential', 'create', 'no', '--kind', 'password', SECRET)).toMatchObject({ code: 2 });
    const twice = await run(...create, '-', '--sudo-password-file', '-');
    expect(twice.stderr).toContain('Standard input can be only one of the secrets.');
    const lost = await run(...create, '-', '--passphrase-file', 'open');
    expect(lost.stderr).toContain('--passphrase-file does not go with --kind password.');
    expect(await run('credential', 'remove', 'root')).toMatchObject({ code: 0 });
    expect((await run('credential', 'remove', 'root')).stderr).toContain('There is no credential root');
    expect((await run('credential', 'list')).stdout).toBe('There are no credentials.\n');
  });
});

describe('host-key', () => {
  it('scans, lists, approves by fingerprint, revokes and imports', async () => {
    const key = { algorithm: 'ssh-ed25519', fingerprint: FINGERPRINT, failure: null };
    const end = (state: string) => () => ({
      state: 'done',
      result: { nodes: [{ ...key, nodeId, state, hops: [] }] },
    });
    const [seen] = await Promise.all([run('host-key', 'scan', 'edge'), remote.endJob('scan', end('new'))]);
    expect(seen).toMatchObject({ code: 0 });
    expect(seen.stdout).toMatch(new RegExp(`^new +s1 +- +ssh-ed25519 +${FINGERPRINT}$`, 'm'));
    const [changed] = await Promise.all([
      run('host-key', 'scan', siteId),
      remote.endJob('scan', end('changed')),
    ]);
    expect(changed.code).toBe(5);

    const stored = { id: 'hk-1', nodeId, fingerprint: FINGERPRINT, address: '192.0.2.1', port: 22 };
    await prisma().hostKey.create({ data: { ...stored, algorithm: 'ssh-ed25519', publicKey: 'AAAA' } });
    expect((await run('host-key', 'list', 'edge')).stdout).toMatch(/^seen +s1 +- +192\.0\.2\.1:22 /m);
    const approved = await run('host-key', 'approve', 'edge', 's1', FINGERPRINT);
    expect(approved.stdout).toBe(`ssh-ed25519 ${FINGERPRINT} of s1 is approved.\n`);
    expect((await run('host-key', 'list', 'edge')).stdout).toMatch(/^approved +s1 /m);
    expect(await run('host-key', 'revoke', 'edge', 's1', FINGERPRINT)).toMatchObject({ code: 0 });
    expect((await run('host-key', 'list', 'edge')).stdout).toMatch(/^revoked +s1 /m);
    const stranger = await run('host-key', 'approve', 'edge', 's9', FINGERPRINT);
    expect(stranger).toMatchObject({ code: 1, stderr: 'This site has no host s9. Its hosts: s1.\n' });
    const hop = ['host-key', 'approve', 'edge', 's1', FINGERPRINT, '--hop', '192.0.2.9:22'];
    expect(await run(...hop)).toMatchObject({ code: 1 });
    const file = { input: 'elsewhere.example ssh-ed25519 AAAA\n' };
    const imported = await remote.cli.run(['host-key', 'import', 'edge', '-f', '-'], file);
    expect(imported).toMatchObject({ code: 0 });
    expect(imported.stdout).not.toContain('approved s1');
  });
});

const cell = (checkId: string, status: 'ok' | 'warn' | 'fail', value: string) => ({
  ...{ nodeId, checkId, status, value, title: checkId.toUpperCase(), group: 'machine' as const },
  ...{ threshold: '2', why: 'Little helps little.', fix: 'Add one.', source: '' },
  ...{ isUnknown: false, valueHash: '', takenAt: new Date().toISOString() },
});

describe('checks', () => {
  it('stand in the way, are let pass with a reason and as they were read, and stand again', async () => {
    const none = await run('checks', 'edge');
    expect(none).toMatchObject({ code: 5 });
    await insertPreflight(remote.database.worker.pool, siteId, {
      cells: [cell('cpu', 'fail', '1\u001b[2J core'), cell('memory', 'ok', '9')],
    });
    const red = await run('checks', 'edge');
    expect(red.code).toBe(5);
    expect(red.stdout).toMatch(/^STATE +HOST +ID +CHECK +VALUE +WANTED +WHY +FIX\n/);
    expect(red.stdout).toMatch(/^fail +s1 +cpu +CPU +1 core +2 +Little helps little\. +Add one\.$/m);
    expect(red.stdout).not.toMatch(/MEMORY|\u001b/);
    expect((await run('checks', 'edge', '--all')).stdout).toMatch(/^ok +s1 +memory +MEMORY +9 /m);

    const override = ['check', 'override', 'edge', 's1', 'cpu'];
    const reason = ['--reason', 'a small lab of ours'];
    expect((await run(...override, ...reason)).stderr).toContain('--value is missing.');
    const other = await run(...override, ...reason, '--value', '8 cores');
    expect(other).toMatchObject({ code: 1 });
    expect(other.stderr).toContain('CPU found something else: 1');
    const short = await run(...override, '--reason', 'no', '--value', '1 core');
    expect(short).toMatchObject({ code: 1 });
    const made = await run(...override, ...reason, '--value', '1 core', '--json');
    const { id } = JSON.parse(made.stdout) as { id: string }; // a CheckOverrideView
    const passed = await run('checks', 'edge');
    expect(passed).toMatchObject({ code: 0 });
    expect(passed.stdout).toMatch(/^let pass +s1 +cpu /m);
    expect(passed.stdout).toMatch(/\nNo check stands in the way of a run\.\n$/);
    const listed = await run('check', 'overrides', 'edge');
    expect(listed.stdout).toMatch(new RegExp(`^${id} +active +s1 +CPU +1 core +a small lab of ours `, 'm'));
    expect(await run('check', 'withdraw', 'edge', id)).toMatchObject({ code: 0 });
    expect(await run('checks', 'edge')).toMatchObject({ code: 5 });
    expect((await run('check', 'overrides', 'edge')).stdout).toBe('No check is overridden.\n');
  });

  it('run again for one host and one check', async () => {
    const [ended] = await Promise.all([
      run('preflight', 'edge', '--hosts', 's1', '--checks', 'cpus'),
      remote.endJob('preflight', (params) => {
        expect(params).toMatchObject({ nodeIds: [nodeId], checkIds: ['cpus'] });
        const scope = { nodeIds: [nodeId], checkIds: ['cpus'] };
        const takenAt = new Date().toISOString();
        const cells = [cell('cpus', 'ok', '4')];
        return { state: 'done', result: { revision: 1, scope, cells, unreachable: [], takenAt } };
      }),
    ]);
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stdout).toBe('1 check passed.\n');
    expect((await run('preflight', 'edge', '--hosts', 's7')).stderr).toContain('This site has no host s7.');
    expect((await run('preflight', 'edge', '--checks', 'luck')).stderr).toContain('there is no check luck');
  });
});

describe('a run that stopped', () => {
  it('is retried, skipped, resumed, cancelled and followed from there on', async () => {
    const kind = 'rke2.uninstall'; // its parameters are empty, as those of a scene
    const scene = createRunScene(remote.database, siteId, [{ nodeId, kind }, { nodeId }], 'uninstall');
    const planId = await scene.storePlan();
    expect((await run('plans', 'edge')).stdout).toMatch(new RegExp(`^${planId} +uninstall +r1 +2 `, 'm'));
    const started = await run('run', planId, '--detach', '--json');
    const { id: runId } = JSON.parse(started.stdout) as { id: string }; // a RunView
    expect((await run('skip', runId, '--reason', 'nothing failed yet')).stderr).toContain(
      'No step of this run failed, so there is nothing to skip.',
    );
    const stop = async (state: 'failed' | 'unreachable', ends: Record<string, 'done' | 'failed'> = {}) => {
      const claimed = await scene.claim();
      await scene.endSteps(claimed, ends);
      await scene.endRun(claimed, state);
    };
    const [first = '', second = ''] = scene.stepIds;
    await stop('failed', { [first]: 'failed', [second]: 'failed' });
    expect(await run('resume', runId)).toMatchObject({ code: 1 });
    const both = await run('skip', runId, '--reason', 'done by hand on the host');
    expect(both.stderr).toBe(
      'More than one step failed. Choose one with --step:\n  1  s1: step 1\n  2  s1: step 2\n',
    );
    expect((await run('retry', runId, '--host', 's9')).stderr).toContain('This site has no host s9.');
    expect((await run('retry', runId, '--host', 's1')).stdout).toBe(`The run ${runId} is queued.\n`);
    await stop('failed', { [first]: 'done', [second]: 'failed' });
    expect((await run('skip', runId, '--reason', 'no')).code).toBe(1);
    expect((await run('skip', runId, '--step', '3', '--reason', 'done by hand')).stderr).toContain(
      'The plan of this run has no step 3.',
    );
    expect(await run('skip', runId, '--reason', 'done by hand on the host')).toMatchObject({ code: 0 });
    await stop('unreachable');
    const { end, stdout } = remote.cli.start(['resume', runId, '--follow']);
    await waitFor(() => stdout().includes('asked to go on'), { what: 'the log', timeoutMs: 60_000 });
    expect((await run('cancel', runId)).stdout).toMatch(
      / is queued and was asked to end\.$|over: cancelled/m,
    );
    const claimed = await scene.claim().catch(() => null); // a queued run that is cancelled needs no worker
    if (claimed) await scene.endRun(claimed, 'cancelled');
    const ended = await end;
    expect(ended.code).toBe(5);
    expect(ended.stdout).not.toContain('step 2 skipped');
    expect(ended.stdout).toMatch(/is cancelled: \d of 2 steps\.\n$/);
    expect((await run('follow', runId)).stdout).toContain('s1: step 2 skipped by ');
    expect(await run('cancel', runId)).toMatchObject({ code: 0 });
  });

  it.each([
    ['failed', 5],
    ['done', 0],
  ] as const)('and was %s before it was cancelled ends as following would, with %i', async (state, code) => {
    const scene = createRunScene(remote.database, siteId, [{ nodeId, kind: 'rke2.uninstall' }], 'uninstall');
    const started = await run('run', await scene.storePlan(), '--detach', '--json');
    const { id: runId } = JSON.parse(started.stdout) as { id: string }; // a RunView
    const claimed = await scene.claim();
    await scene.endSteps(claimed, Object.fromEntries(scene.stepIds.map((id) => [id, state])));
    await scene.endRun(claimed, state);
    const cancelled = await run('cancel', runId, '--follow');
    expect(cancelled).toMatchObject({ code, stdout: `The run ${runId} is over: ${state}.\n` });
    expect(await run('cancel', runId)).toMatchObject({ code: 0 });
    expect(await run('follow', runId)).toMatchObject({ code });
  });
});

describe('bundles', () => {
  it('of a site come as new files, and those of a plan say what is not there', async () => {
    expect(await run('bundle', 'edge', '-o', 'site.tar.gz')).toMatchObject({ code: 0 });
    const bytes = await readFile(join(remote.cli.dir, 'site.tar.gz'));
    expect(gunzipSync(bytes).toString('latin1')).toContain('ustar');
    expect(await run('plan', 'bundle', 'p-none')).toMatchObject({ code: 1 });
    const scene = createRunScene(remote.database, siteId, [{ nodeId, kind: 'rke2.uninstall' }], 'uninstall');
    const planId = await scene.storePlan();
    const made = await run('plan', 'bundle', planId);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const plan = await readFile(join(remote.cli.dir, `${planId}.tar.gz`));
    expect(gunzipSync(plan).toString('latin1')).toContain('ustar');
    expect((await run('plan', 'bundle', planId)).stderr).toContain('is there already.');
  });
});
