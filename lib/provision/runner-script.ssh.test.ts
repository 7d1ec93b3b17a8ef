import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { toShellAssignments } from '@/lib/core/shell-quote';
import { findShells } from '@/lib/testing/run-step';
import { waitFor } from '@/lib/testing/wait-for';
import { RUNNER_SCRIPT } from './runner-script';

interface Host {
  readonly root: string;
  readonly call: (
    words: readonly string[],
    variables?: Readonly<Record<string, string>>,
    input?: string,
  ) => Promise<{ code: number | null; stdout: string; stderr: string }>;
  readonly act: (key: string, name?: string) => string;
}

async function removeHost(root: string): Promise<void> {
  const acts = join(root, 'var/lib/siteplan-host/acts');
  for (const key of await readdir(acts).catch(() => [])) {
    const child = await readFile(join(acts, key, 'child'), 'utf8').catch(() => '');
    killGroup(Number(child.split(' ')[0]));
  }
  await rm(root, { recursive: true, force: true, maxRetries: 10 });
}

function killGroup(group: number): void {
  try {
    if (group > 1) process.kill(-group, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}

/** A directory that stands for a host, whose `sh` is the given shell. */
async function makeHost(
  { onTestFinished }: TestContext,
  shell: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Host> {
  const root = await mkdtemp(join(tmpdir(), 'siteplan-runner-'));
  onTestFinished(() => removeHost(root));
  await mkdir(join(root, 'var/lib/siteplan-host/acts'), { recursive: true });
  await mkdir(join(root, 'proc/sys/kernel/random'), { recursive: true });
  await mkdir(join(root, 'bin'));
  await writeFile(join(root, 'proc/sys/kernel/random/boot_id'), 'boot-one\n');
  const runner = join(root, 'var/lib/siteplan-host/runner');
  await writeFile(runner, RUNNER_SCRIPT);
  const program = shell[0] === 'busybox' ? 'busybox' : (shell[0] ?? 'sh');
  await symlink(`/usr/bin/${program}`, join(root, 'bin/sh'));
  return {
    root,
    act: (key, name = '') => join(root, 'var/lib/siteplan-host/acts', key, name),
    call: async (words, variables = {}, input = '') => {
      const assignments = toShellAssignments({
        root,
        runner,
        installation: 'ours',
        epoch: '5',
        limit_s: '30',
        params: '',
        script: '',
        ...variables,
      });
      const child = spawn('sh', ['-c', `${assignments}set -- ${words.join(' ')}\n. "$sp_runner"`], {
        env: {
          PATH: `${root}/bin:/usr/bin:/bin:/usr/sbin:/sbin`,
          SITEPLAN_DETACH: 'setsid',
          NODE_ENV: 'test',
          ...env,
        },
      });
      child.stdin.on('error', () => undefined);
      child.stdin.end(input);
      const [stdout, stderr, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'close') as Promise<[number | null]>, // the documented arguments of this event
      ]);
      return { code, stdout, stderr };
    },
  };
}

/** An act that notes its start, prints, and goes on until told to stop. */
const LEDGER = 'echo "$sp_word" >> "$sp_ledger"; cat; echo "$sp_word says $1"; ';

function start(host: Host, key: string, body: string, extra: Readonly<Record<string, string>> = {}) {
  const params = toShellAssignments({ word: key, ledger: join(host.root, 'ledger') });
  return host.call(['start', key], { params, script: `${LEDGER}${body}`, ...extra }, 'input\n');
}

async function untilFinished(host: Host, key: string): Promise<string> {
  return waitFor(
    async () => {
      const { stdout } = await host.call(['status', key]);
      return /state=(finished|interrupted)/.test(stdout) && stdout;
    },
    { what: `${key} to end` },
  );
}

function readLedger(host: Host): Promise<string> {
  return readFile(join(host.root, 'ledger'), 'utf8').catch(() => '');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe.concurrent.each(findShells().map((shell) => ({ name: shell.join(' '), shell })))(
  'runner in $name',
  ({ shell }) => {
    it('runs an act once, journals it, leaves no input behind', async (t) => {
      const host = await makeHost(t, shell);
      expect((await host.call(['status', 'r.s.1'])).stdout).toContain('state=absent');
      expect(await start(host, 'r.s.1', 'echo oops >&2; exit 3')).toMatchObject({ code: 0 });
      expect(await untilFinished(host, 'r.s.1')).toContain('state=finished code=3 reason=exit size=');
      const journal = await readFile(host.act('r.s.1', 'journal'), 'utf8');
      expect(journal).toBe(`input\nr.s.1 says ${host.act('r.s.1').replace(/\/$/, '')}\noops\n`);
      expect((await start(host, 'r.s.1', 'exit 3')).stdout).toContain('state=finished code=3');
      expect(await readLedger(host)).toBe('r.s.1\n');
      for (const name of ['todo', 'input']) expect(await readFile(host.act('r.s.1', name), 'utf8')).toBe('');
      expect((await stat(host.act('r.s.1', 'journal'))).mode & 0o777).toBe(0o600);
    });

    it('lets one of many starts of the same act win', async (t) => {
      const host = await makeHost(t, shell);
      const starts = await Promise.all(Array.from({ length: 6 }, () => start(host, 'r.s.1', 'sleep 0.3')));
      for (const { code, stdout } of starts) {
        expect(code).toBe(0);
        expect(stdout).toMatch(/state=(running|finished)/);
      }
      await untilFinished(host, 'r.s.1');
      expect(await readLedger(host)).toBe('r.s.1\n');
    });

    it('refuses an older epoch and another installation, and changes nothing', async (t) => {
      const host = await makeHost(t, shell);
      await start(host, 'r.s.1', ':', { epoch: '7' });
      await untilFinished(host, 'r.s.1');
      expect(await start(host, 'r.s.2', ':', { epoch: '6' })).toMatchObject({ code: 75 });
      expect(await host.call(['cancel', 'r.s.1'], { epoch: '6' })).toMatchObject({ code: 75 });
      expect(await host.call(['clean', 'r'], { epoch: '6' })).toMatchObject({ code: 75 });
      expect(await start(host, 'r.s.2', ':', { installation: 'theirs', epoch: '9' })).toMatchObject({
        code: 76,
      });
      expect(await readFile(join(host.root, 'var/lib/siteplan-host/fence'), 'utf8')).toBe('ours 7\n');
      expect(existsSync(host.act('r.s.2'))).toBe(false);
      expect(await readLedger(host)).toBe('r.s.1\n');
    });

    it('says so where it cannot have its lock', async (t) => {
      const host = await makeHost(t, shell);
      await mkdir(join(host.root, 'var/lib/siteplan-host/lock'));
      const { code, stderr } = await start(host, 'r.s.1', ':');
      expect(code).toBe(78);
      expect(stderr).toContain('cannot write in');
      expect(await readLedger(host)).toBe('');
    });

    it('refuses a second act while one runs', async (t) => {
      const host = await makeHost(t, shell);
      await start(host, 'r.s.1', 'sleep 30');
      expect(await start(host, 'q.s.1', ':')).toMatchObject({ code: 77 });
      await host.call(['cancel', 'r.s.1']);
      expect((await start(host, 'q.s.1', ':')).code).toBe(0);
    });

    it('cancels an act with everything it started, also what ignores TERM', async (t) => {
      const host = await makeHost(t, shell, { SITEPLAN_GRACE_S: '1' });
      await start(host, 'r.s.1', 'trap "" TERM; sleep 60 & echo $! > "$sp_ledger.pid"; wait; sleep 60');
      const pid = Number(
        await waitFor(() => readFile(join(host.root, 'ledger.pid'), 'utf8'), { what: 'the act' }),
      );
      const cancelled = await host.call(['cancel', 'r.s.1']);
      expect(cancelled.stdout).toMatch(/state=finished code=\d+ reason=cancel/);
      await waitFor(() => !isAlive(pid), { what: 'the child of the act to be gone' });
      expect((await host.call(['cancel', 'r.s.1'])).stdout).toContain('reason=cancel');
    });

    it('ends an act whose time is up', async (t) => {
      const host = await makeHost(t, shell);
      const body = 'trap "echo asked to end; exit 9" TERM; sleep 60 & wait';
      await start(host, 'r.s.1', body, { limit_s: '1' });
      expect(await untilFinished(host, 'r.s.1')).toContain('state=finished code=124 reason=timeout');
      expect(await readFile(host.act('r.s.1', 'journal'), 'utf8')).toContain('asked to end');
    });

    it('knows an act that a reboot interrupted, and never starts it again', async (t) => {
      const host = await makeHost(t, shell);
      await start(host, 'r.s.1', 'sleep 60');
      await waitFor(() => readLedger(host), { what: 'the act' });
      await writeFile(join(host.root, 'proc/sys/kernel/random/boot_id'), 'boot-two\n');
      expect((await host.call(['status', 'r.s.1'])).stdout).toContain('state=interrupted code=- reason=-');
      expect((await start(host, 'r.s.1', 'sleep 60')).stdout).toContain('rebooted=1 boot=boot-two');
      expect((await start(host, 'r.s.2', ':')).code).toBe(0);
      await untilFinished(host, 'r.s.2');
      expect(await readLedger(host)).toBe('r.s.1\nr.s.2\n');
      expect(existsSync(host.act('r.s.1', 'input'))).toBe(false);
    });

    it('buries an act whose runner was killed, before anything else may start', async (t) => {
      const host = await makeHost(t, shell);
      await start(host, 'r.s.1', 'echo $$ > "$sp_ledger.pid"; sleep 60');
      const pid = Number(
        await waitFor(() => readFile(join(host.root, 'ledger.pid'), 'utf8'), { what: 'the act' }),
      );
      const leader = Number((await readFile(host.act('r.s.1', 'boot'), 'utf8')).split(' ')[1]);
      process.kill(leader, 'SIGKILL');
      expect(await untilFinished(host, 'r.s.1')).toContain('state=interrupted');
      await waitFor(() => !isAlive(pid), { what: 'the orphaned act to be gone' });
    });

    it('takes up a start that died before the act began, once, also one of release 0.1', async (t) => {
      const host = await makeHost(t, shell);
      await mkdir(host.act('r.s.1'));
      for (const name of ['params', 'script', 'input']) await writeFile(host.act('r.s.1', name), '');
      expect((await host.call(['status', 'r.s.1'])).stdout).toContain('state=ready');
      await Promise.all([start(host, 'r.s.1', ':'), start(host, 'r.s.1', ':')]);
      await untilFinished(host, 'r.s.1');
      expect(await readLedger(host)).toBe('r.s.1\n');
    });

    it('does not begin an act whose mark was never finished', async (t) => {
      const host = await makeHost(t, shell);
      await mkdir(host.act('r.s.1'));
      await writeFile(host.act('r.s.1', 'boot'), '');
      expect((await start(host, 'r.s.1', ':')).stdout).toContain('state=interrupted');
      expect(await readLedger(host)).toBe('');
    });

    it('performs: waits for the end, hands over the journal, and says how it ended', async (t) => {
      const host = await makeHost(t, shell);
      const perform = (key: string, body: string) => {
        const params = toShellAssignments({ word: key, ledger: join(host.root, 'ledger') });
        return host.call(['perform', key], { params, script: `${LEDGER}${body}`, input: 'in\n' });
      };
      const words = `in\nr.s.1 says ${host.act('r.s.1').replace(/\/$/, '')}\n`;
      const well = await perform('r.s.1', 'sleep 0.2; echo more');
      expect(well).toMatchObject({ code: 99, stdout: `${words}more\n` });
      expect(well.stderr).toContain('state=finished code=0 reason=exit');
      expect(await perform('r.s.2', 'exit 5')).toMatchObject({ code: 98 });
      const again = await perform('r.s.1', 'echo never');
      expect(again).toMatchObject({ code: 0, stdout: '' });
      expect(again.stderr).toContain('state=finished code=0 reason=exit');
      expect(await readLedger(host)).toBe('r.s.1\nr.s.2\n');
    });

    it('cuts a journal at its limit, with a mark, the same for every reader', async (t) => {
      const host = await makeHost(t, shell, { SITEPLAN_JOURNAL_LIMIT: '5000' });
      const body = 'i=0; while [ $i -lt 2000 ]; do echo "line $i of many"; i=$((i+1)); done; ';
      const ends = ['', 'sleep 2.5'];
      await Promise.all(
        ends.map(async (end, at) => {
          const other = at === 0 ? host : await makeHost(t, shell, { SITEPLAN_JOURNAL_LIMIT: '5000' });
          await start(other, 'r.s.1', `${body}${end}`);
          const followed = await other.call(['follow', 'r.s.1', '0']);
          expect(followed.stdout).toMatch(/^[^[]{5000}\n\[siteplan: output beyond 5000 bytes was cut\]\n$/);
          for (const offset of [4_990, 5_000, 5_010]) {
            const rest = await other.call(['follow', 'r.s.1', String(offset)]);
            expect(rest.stdout).toBe(followed.stdout.slice(offset));
          }
          // An act that lasts is cut on its disk as well.
          const { size } = await stat(other.act('r.s.1', 'journal'));
          if (end !== '') expect(size).toBe(followed.stdout.length);
        }),
      );
    });

    it('follows a journal from any byte to the end of the act', async (t) => {
      const host = await makeHost(t, shell);
      await start(host, 'r.s.1', 'for i in 1 2 3 4; do printf "%s\\000" "part $i"; sleep 0.2; done');
      const followed = await Promise.all(
        [0, 1, 7, 20].map((offset) => host.call(['follow', 'r.s.1', String(offset)])),
      );
      const journal = await readFile(host.act('r.s.1', 'journal'), 'latin1');
      expect(journal).toContain('part 4\0');
      followed.forEach(({ stdout }, index) => expect(stdout).toBe(journal.slice([0, 1, 7, 20][index])));
    });

    it('cleans up after a run and the ones before it, and leaves what still runs', async (t) => {
      const host = await makeHost(t, shell);
      for (const key of ['given-up.s.1', 'r.s.1', 'r.t.1']) {
        await start(host, key, ':');
        await untilFinished(host, key);
      }
      await start(host, 'r.u.1', 'sleep 60');
      expect((await host.call(['clean', 'r'])).code).toBe(0);
      expect(await readdir(join(host.root, 'var/lib/siteplan-host/acts'))).toEqual(['r.u.1']);
    });

    it.each([
      ['is a directory', (path: string) => mkdir(path)],
      ['has no epoch', (path: string) => writeFile(path, 'ours\n')],
      ['has an epoch beyond all numbers', (path: string) => writeFile(path, `ours ${'9'.repeat(23)}\n`)],
    ])('refuses everything where the fence %s', async (_what, spoil) => {
      const host = await makeHost({ onTestFinished } as TestContext, shell); // all that it uses of it
      await spoil(join(host.root, 'var/lib/siteplan-host/fence'));
      const { code, stderr } = await start(host, 'r.s.1', ':');
      expect(code).toBe(78);
      expect(stderr).toMatch(/fence is (no file|damaged)/);
      expect(await readLedger(host)).toBe('');
    });

    it('follows no path out of its directory', async (t) => {
      const host = await makeHost(t, shell);
      await mkdir(join(host.root, 'victim'));
      await writeFile(join(host.root, 'victim/input'), 'precious');
      await writeFile(join(host.root, 'var/lib/siteplan-host/current'), '../../../../victim\n');
      await start(host, 'r.s.1', ':');
      await untilFinished(host, 'r.s.1');
      expect(await readdir(join(host.root, 'victim'))).toEqual(['input']);
    });

    it('locks by directory where there is no flock, and breaks the lock of the dead', async (t) => {
      const host = await makeHost(t, shell);
      const lock = join(host.root, 'var/lib/siteplan-host/lock.d');
      await mkdir(lock);
      await writeFile(join(lock, 'holder'), '999999999 boot-one\n');
      const script = RUNNER_SCRIPT.replace('command -v flock', 'command -v no-such-flock');
      await writeFile(join(host.root, 'var/lib/siteplan-host/runner'), script);
      const starts = await Promise.all([start(host, 'r.s.1', ':'), start(host, 'r.s.1', ':')]);
      expect(starts.map(({ code }) => code)).toEqual([0, 0]);
      await untilFinished(host, 'r.s.1');
      expect(await readLedger(host)).toBe('r.s.1\n');
      expect(existsSync(lock)).toBe(false);
    });
  },
);
