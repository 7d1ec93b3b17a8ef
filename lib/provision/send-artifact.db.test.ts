import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { addArtifacts } from '@/lib/artifacts/stored-artifacts';
import { sha256Hex } from '@/lib/core/hash';
import { STALE_EXIT_CODE } from '@/lib/testing/engine-child-input';
import { createEngineRig, openTestCache } from '@/lib/testing/engine-rig';
import { startFakeHost } from '@/lib/testing/fake-host';
import { buildEngineProcess, type EngineProcesses } from '@/lib/testing/spawn-engine';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';

const version = 'v1.35.7+rke2r1';
const file = 'rke2.linux-amd64.tar.gz';
const body = randomBytes(4_000_000);
const sha256 = sha256Hex(body);
/** What a host takes before it waits for the word to go on. */
const FIRST_BYTES = 1_000_000;

let test: TestDatabase;
let engines: EngineProcesses;
let dir = '';
const artifactsDir = () => join(dir, 'artifacts');
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'siteplan-send-'));
  await writeFile(join(dir, file), body);
  await writeFile(join(dir, 'sha256sum-amd64.txt'), `${sha256}  ${file}\n`);
  const paths = [file, 'sha256sum-amd64.txt'].map((name) => join(dir, name));
  await addArtifacts(artifactsDir(), version, paths);
  [test, engines] = await Promise.all([createTestDatabase(), buildEngineProcess()]);
});
afterAll(async () => {
  await engines.remove();
  await test.drop();
  await rm(dir, { recursive: true, force: true });
});

/** A run that sends the file to one host, whose disk takes the first part and then waits where it `isSlow`. */
async function sending({ onTestFinished }: TestContext, { isSlow = false, name = file } = {}) {
  const fake = await startFakeHost('s1');
  onTestFinished(fake.stop);
  const go = join(fake.root, 'go');
  if (isSlow) {
    const tee = `#!/bin/sh
case "$*" in *fd/3*) head -c ${FIRST_BYTES} | /usr/bin/tee "$@"; while [ ! -e '${go}' ]; do sleep 0.05; done ;; esac
exec /usr/bin/tee "$@"
`;
    await writeFile(join(fake.root, 'bin/tee'), tee);
    await chmod(join(fake.root, 'bin/tee'), 0o755);
  }
  const hosts = [{ nodeId: 'n-0', target: fake.target, root: fake.root }];
  const params = { version, arch: 'amd64', file: name };
  const rig = await createEngineRig(test.worker, hosts, [{ nodeId: 'n-0', kind: 'artifact.push', params }]);
  const state = join(fake.root, 'var/lib/siteplan-host');
  const parts = async () => {
    const names = await readdir(join(state, 'incoming')).catch(() => []);
    return Promise.all(names.map(async (each) => (await stat(join(state, 'incoming', each))).size));
  };
  return {
    fake,
    rig,
    state,
    spawn: async () =>
      engines.spawn({
        databaseUrl: test.urlFor('siteplan_worker'),
        runId: rig.runId,
        epoch: (await rig.claim()).toString(),
        plan: rig.plan,
        hosts,
        artifactsDir: artifactsDir(),
      }),
    goOn: () => writeFile(go, ''),
    untilHalf: () =>
      waitFor(async () => (await parts()).includes(FIRST_BYTES), { what: 'half of it to arrive' }),
    expectThere: async () => {
      expect((await readFile(join(state, 'artifacts', version, file))).equals(body)).toBe(true);
      const types = (await rig.events()).map(({ type }) => type);
      expect(types.filter((type) => type === 'step.act-started')).toEqual(['step.act-started']);
    },
  };
}
const artifacts = () => openTestCache(artifactsDir());

describe.concurrent('a release file', () => {
  it('arrives whole, once, and travels no second time', async (t) => {
    const { rig, fake, state, expectThere } = await sending(t);
    expect(await rig.execute({ artifacts: artifacts() })).toBe('done');
    await expectThere();
    expect(await readdir(join(state, 'incoming'))).toEqual([]);
    const before = fake.link.bytesUp();
    const again = await createEngineRig(test.worker, rig.hosts, [
      { nodeId: 'n-0', kind: 'artifact.push', params: { version, arch: 'amd64', file } },
    ]);
    expect(await again.execute({ artifacts: artifacts() })).toBe('done');
    expect(await again.events()).toContainEqual(expect.objectContaining({ outcome: 'already-so' }));
    expect(fake.link.bytesUp() - before).toBeLessThan(body.length / 10);
  });

  it('goes on from its byte when the engine is killed in the middle', async (t) => {
    const { rig, fake, spawn, untilHalf, goOn, expectThere } = await sending(t, { isSlow: true });
    const engine = await spawn();
    await untilHalf();
    engine.child.kill('SIGKILL');
    await engine.ended;
    await goOn();
    await waitFor(async () => (await fake.processes()).length === 0, { what: 'the host to be quiet' });
    const before = fake.link.bytesUp();
    expect(await (await spawn()).ended).toMatchObject({ code: 0, state: 'done' });
    expect(fake.link.bytesUp() - before).toBeLessThan(body.length - FIRST_BYTES / 2);
    await expectThere();
    expect((await rig.rows()).map(({ attempt }) => attempt)).toEqual([1]);
  });

  it('goes on when the link is lost in the middle', async (t) => {
    const { rig, fake, untilHalf, goOn, expectThere } = await sending(t, { isSlow: true });
    const ended = rig.execute({ artifacts: artifacts() });
    await untilHalf();
    await goOn();
    fake.link.resetAll();
    expect(await ended).toBe('done');
    await expectThere();
  });

  it('is put in place by the newest engine alone: one that wakes up later changes nothing', async (t) => {
    const { rig, state, spawn, untilHalf, goOn, expectThere } = await sending(t, { isSlow: true });
    const sleeper = await spawn();
    await untilHalf();
    sleeper.child.kill('SIGSTOP');
    await goOn();
    expect(await rig.execute({ artifacts: artifacts() })).toBe('done');
    const { ino } = await stat(join(state, 'artifacts', version, file));
    sleeper.child.kill('SIGCONT');
    expect(await sleeper.ended).toMatchObject({ code: STALE_EXIT_CODE, stderr: '' });
    expect((await stat(join(state, 'artifacts', version, file))).ino).toBe(ino);
    await expectThere();
  });

  it('is not sent any further after a cancel, and nothing acts', async (t) => {
    const { rig, fake, state, untilHalf, goOn } = await sending(t, { isSlow: true });
    let isCancelled = false;
    const ended = rig.execute({ artifacts: artifacts(), isCancelRequested: () => isCancelled });
    await untilHalf();
    isCancelled = true;
    expect(await ended).toBe('cancelled');
    expect((await rig.rows()).map((row) => row.state)).toEqual(['cancelled']);
    await goOn();
    await waitFor(async () => (await fake.processes()).length === 0, { what: 'the host to be quiet' });
    expect((await rig.events()).some(({ type }) => type === 'step.act-started')).toBe(false);
    expect(existsSync(join(state, 'artifacts'))).toBe(false);
  });

  it('that Siteplan neither has nor can download ends the run with what to do', async (t) => {
    const { rig } = await sending(t, { name: 'rke2-images-core.linux-amd64.tar.zst' });
    expect(await rig.execute({ artifacts: artifacts() })).toBe('failed');
    expect((await rig.events()).at(-1)).toMatchObject({
      type: 'run.finished',
      failure: {
        code: 'download-failed',
        message: expect.stringContaining('127.0.0.1:2: it refuses connections'),
        nextAction: expect.stringContaining('npm run cli -- artifacts add'),
      },
    });
  });

  it.skipIf(process.getuid?.() !== 0)('that finds no room says so, and fits later', async (t) => {
    const { rig, state, expectThere } = await sending(t);
    const incoming = join(state, 'incoming');
    await mkdir(incoming, { recursive: true, mode: 0o700 });
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', incoming], { stdio: 'ignore' });
    } catch {
      return t.skip('no tmpfs can be mounted here');
    }
    try {
      expect(await rig.execute({ artifacts: artifacts() })).toBe('failed');
    } finally {
      execFileSync('umount', [incoming]);
    }
    expect((await rig.events()).at(-1)).toMatchObject({
      failure: { code: 'disk-full', message: expect.stringContaining('there is no room for it') },
    });
    await test.worker.pool.query(`UPDATE run_step SET state = 'waiting' WHERE run_id = $1`, [rig.runId]);
    await test.worker.pool.query(`UPDATE run SET state = 'queued', finished_at = NULL WHERE id = $1`, [
      rig.runId,
    ]);
    expect(await rig.execute({ artifacts: artifacts() })).toBe('done');
    await expectThere();
  });
});
