import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeId, SecretId } from '@/lib/core/ids';
import type { Plan, PlanStep } from '@/lib/plan/plan';
import { fillSecretSlots } from '@/lib/render/secret-slot';
import { exampleLayout, oneServer } from '@/lib/testing/example-layout';
import { makeBundle } from '@/lib/testing/make-bundle';
import { findShells, type Shell } from '@/lib/testing/run-step';
import { waitFor } from '@/lib/testing/wait-for';

const me = userInfo().username;
const SECRET = "it's-$HOME-`id`-&|/*-of-the-cluster";
const REF = { id: SecretId.parse('k-join'), version: 2 };
const NAME = 'SITEPLAN_SECRET_K_JOIN_V2';
const SLOT = '⟦secret k-join v2⟧';
const one = oneServer();

let dir = '';
let root = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'siteplan bundle-')); // the blank is meant
  root = join(dir, 'root');
  mkdirSync(root);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function toPut(path: string, content: string, more: Partial<PlanStep> = {}): PlanStep {
  const secrets = content.includes(SLOT) ? [REF] : [];
  return {
    id: 'a'.repeat(16),
    nodeId: NodeId.parse('n-one'),
    kind: 'file.put',
    params: { path, mode: '0640', owner: me, group: me, content, secrets, dropsStamps: [] },
    title: `Write ${path}`,
    dependsOn: [],
    effect: 'writes a file',
    restarts: [],
    quorum: null,
    estimateS: 1,
    diff: null,
    ...more,
  };
}

/** Writes the bundle of these steps of the node `one`; gives the paths of its scripts in their order. */
function unpack(steps: readonly PlanStep[]): string[] {
  const plan: Plan = {
    schemaVersion: 1,
    notices: [],
    id: 'p-by-hand',
    siteId: 'site-x' as Plan['siteId'], // any id will do
    kind: 'uninstall', // no rendered files beside those of the steps
    revision: 1,
    factsHash: '',
    steps: steps.map((step, index) => ({ ...step, id: index.toString(16).padStart(16, '0') })),
  };
  const files = [...makeBundle(one, plan).values()];
  for (const { path, content, isExecutable } of files) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), content, { mode: isExecutable ? 0o755 : 0o644 });
  }
  return files.map(({ path }) => path).filter((path) => path.includes('/steps/'));
}

async function run(shell: Shell, script: string, args: readonly string[] = [], env: readonly string[] = []) {
  const child = spawn('env', [`SITEPLAN_ROOT=${root}`, ...env, ...shell, script, ...args], {
    cwd: dir,
    detached: true, // no terminal to ask on
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>, // the documented arguments of this event
  ]);
  return { code, stdout, stderr };
}

const writeSecrets = (content: string, mode = 0o600) => {
  writeFileSync(join(dir, 'secrets.env'), content);
  chmodSync(join(dir, 'secrets.env'), mode);
};
const read = (path: string) => readFileSync(join(root, path), 'utf8');

it('is text that sh, dash and bash can read, for every script of the example layout', () => {
  const files = [...makeBundle(exampleLayout()).values()].filter(({ path }) => path.endsWith('.sh'));
  expect(files.length).toBeGreaterThan(100);
  const joined = files.filter(({ path }) => !path.startsWith('kinds/') || path.endsWith('act.sh'));
  for (const [program, ...options] of findShells()) {
    for (const { path, content } of joined) {
      const { status, stderr } = spawnSync(program, [...options, '-n'], { input: content, encoding: 'utf8' });
      expect(`${path}: ${status} ${stderr}`).toBe(`${path}: 0 `);
    }
  }
});

describe.each(findShells().map((shell) => ({ name: shell.join(' '), shell })))(
  'by hand with $name',
  ({ shell }) => {
    const step = (script: string | undefined, ...args: string[]) => run(shell, script ?? 'none', args);

    it('probes, writes the file with its secret, verifies, and passes over it then', async () => {
      const content = `token: "${SLOT}"\nagain: "${SLOT}${SLOT}"\nplain\n`;
      const [script] = unpack([toPut('/etc/x/config.yaml', content)]);
      writeSecrets(`# mine\nOTHER=1\n${NAME}=${SECRET}\n`);
      expect(await step(script, 'probe')).toMatchObject({ code: 10 });
      const first = await step(script);
      expect(first).toMatchObject({ code: 0, stderr: '' });
      expect(first.stdout).toContain('done: Write /etc/x/config.yaml');
      expect(read('etc/x/config.yaml')).toBe(fillSecretSlots(content, [REF], () => SECRET));
      expect(statSync(join(root, 'etc/x/config.yaml')).mode & 0o7777).toBe(0o640);
      expect(await step(script, 'probe')).toMatchObject({ code: 0 });
      expect(await step(script, 'verify')).toMatchObject({ code: 0 });
      expect((await step(script)).stdout).toBe('already so: Write /etc/x/config.yaml\n');
      writeFileSync(join(root, 'etc/x/config.yaml'), 'other');
      expect(await step(script, 'verify')).toMatchObject({ code: 1 });
      expect(await step(script, 'act')).toMatchObject({ code: 0 });
      expect(await step(script, 'verify')).toMatchObject({ code: 0 });
      expect(await step(script, 'undo')).toMatchObject({ code: 1 });
    });

    it('gives any content with slots back byte for byte, as the engine would fill it', async () => {
      const piece = fc.oneof(
        fc.constant(SLOT),
        fc.constantFrom('\n', '\r\n', '\\n', '$(id)', '%s', '⟦secret k-other v1', "'", ' ', '\t'),
        fc
          .string({ unit: 'binary', maxLength: 20 })
          .map((value) => value.toWellFormed().replaceAll('\0', '')),
      );
      const value = fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,40}$/);
      await fc.assert(
        fc.asyncProperty(fc.array(piece, { maxLength: 12 }), value, async (pieces, secret) => {
          const content = `${SLOT}${pieces.join('')}`;
          const [script] = unpack([toPut('/etc/x', content)]);
          writeSecrets(`${NAME}=${secret}\n`);
          expect(await step(script)).toMatchObject({ code: 0, stderr: '' });
          expect(read('etc/x')).toBe(fillSecretSlots(content, [REF], () => secret));
        }),
        { numRuns: 12 },
      );
    });

    it('lets no parameter, title, effect or path of the bundle become shell text', async () => {
      const hostile = fc.oneof(
        fc.constantFrom(
          '\n touch PWNED\n',
          "'; touch PWNED; '",
          '$(touch PWNED)',
          '`touch PWNED`',
          '\r\n#\n: > PWNED',
          '\u2028touch PWNED',
          'END\ntouch PWNED\n',
          '"; touch PWNED #',
          '\\',
        ),
        fc.string({ maxLength: 30 }).map((drawn) => drawn.replaceAll('\0', '')),
      );
      await fc.assert(
        fc.asyncProperty(hostile, hostile, hostile, async (title, effect, content) => {
          const more = { title, effect, restarts: [effect], quorum: title };
          const [script = ''] = unpack([toPut('/etc/y', content, more)]);
          expect(script).toMatch(/^nodes\/one\/steps\/01-[a-z0-9][a-z0-9.-]*\.sh$/);
          const result = await step(script);
          expect(result).toMatchObject({ code: 0, stderr: '' });
          expect(read('etc/y')).toBe(content);
          expect(existsSync(join(dir, 'PWNED'))).toBe(false);
          rmSync(join(root, 'etc/y'));
        }),
        { numRuns: 25 },
      );
    });

    it.each([
      ['no file', null, 0o600, `There is no value of ${NAME}.`],
      ['an empty value', `${NAME}=\n`, 0o600, `There is no value of ${NAME}.`],
      ['a file that others may read', `${NAME}=x\n`, 0o640, 'chmod 600 secrets.env'],
      ['a blank', `${NAME}=a b\n`, 0o600, `The value of ${NAME} holds blanks`],
      ['a quote', `${NAME}="ab"\n`, 0o600, `The value of ${NAME} holds blanks, quotes`],
      ['a backslash', `${NAME}=a\\b\n`, 0o600, `The value of ${NAME} holds`],
      ['letters beyond ASCII', `${NAME}=aé\n`, 0o600, `The value of ${NAME} holds`],
    ])('writes nothing for %s in place of a secret, and says why', async (_what, content, mode, words) => {
      const [script] = unpack([toPut('/etc/x', `a: ${SLOT}\n`)]);
      if (content !== null) writeSecrets(content, mode);
      const result = await step(script);
      expect(result.code).toBe(1);
      expect(result.stderr).toContain(words);
      expect(existsSync(join(root, 'etc/x'))).toBe(false);
    });

    it('takes a secrets file of another system and one without a last line end, and never runs it', async () => {
      const [script] = unpack([toPut('/etc/x', SLOT)]);
      for (const content of [
        `touch PWNED\r\n${NAME}=abc$(touch\tPWNED)\r\n${NAME}=def\r\n`,
        `touch PWNED\n${NAME}=def`,
      ]) {
        writeSecrets(content);
        expect(await step(script)).toMatchObject({ code: 0 });
        expect(read('etc/x')).toBe('def');
        rmSync(join(root, 'etc/x'));
        expect(existsSync(join(dir, 'PWNED'))).toBe(false);
      }
    });

    it('shows a secret to no program that it starts, neither as an argument nor in the environment', async () => {
      const [script] = unpack([toPut('/etc/x', `token: "${SLOT}"\n`)]);
      writeSecrets(`${NAME}=${SECRET}\n`);
      const bin = join(dir, 'bin');
      mkdirSync(bin);
      for (const name of [
        'cat',
        'sha256sum',
        'stat',
        'mktemp',
        'mv',
        'chmod',
        'chown',
        'sync',
        'mkdir',
        'dirname',
      ]) {
        const real = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
        const log = `{ printf '%s\\n' "${name} $*"; env; } >> '${join(dir, 'seen')}'`;
        writeFileSync(join(bin, name), `#!/bin/sh\n${log}\nexec ${real} "$@"\n`, { mode: 0o755 });
      }
      mkdirSync(join(root, 'bin'));
      for (const name of ['cat', 'sha256sum', 'mv', 'mktemp']) {
        writeFileSync(join(root, 'bin', name), readFileSync(join(bin, name)), { mode: 0o755 });
      }
      const result = await run(
        shell,
        script ?? '',
        [],
        [`PATH=${bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`],
      );
      expect(result).toMatchObject({ code: 0 });
      const seen = readFileSync(join(dir, 'seen'), 'utf8');
      if (shell[0] !== 'busybox') expect(seen).toMatch(/^cat /m); // busybox has its programs in itself
      expect(seen.includes(SECRET)).toBe(false);
      expect(`${result.stdout}${result.stderr}`.includes(SECRET)).toBe(false);
      expect(read('etc/x')).toContain(SECRET);
    });

    it('stops at a step that fails, names it, and goes on from there when it is run again', async () => {
      unpack([toPut('/etc/a', 'a'), toPut('/etc/b', 'b'), toPut('/etc/c', 'c')]);
      mkdirSync(join(root, 'etc/b'), { recursive: true });
      const all = join(dir, 'nodes/one/run-all.sh');
      const check = () => run(shell, join(dir, 'nodes/one/check.sh'));
      expect((await check()).code).toBe(10);
      const failed = await run(shell, all);
      expect(failed.code).toBe(1);
      expect(failed.stderr).toContain('/etc/b is a directory');
      expect(failed.stderr).toContain('Stopped at step 2 of 3.');
      expect(existsSync(join(root, 'etc/c'))).toBe(false);
      expect((await check()).stdout).toContain('2 of 3 steps are to do, 0 could not be probed');
      rmSync(join(root, 'etc/b'), { recursive: true });
      const again = await run(shell, all);
      expect(again).toMatchObject({ code: 0 });
      expect(again.stdout).toContain('already so: Write /etc/a');
      expect([read('etc/a'), read('etc/b'), read('etc/c')]).toEqual(['a', 'b', 'c']);
      expect((await check()).code).toBe(0);
      expect((await run(shell, all, ['2', 'x'])).code).toBe(64);
    });

    it('runs the steps of one turn only, where the host has several, and asks which', async () => {
      const s2 = NodeId.parse('n-two');
      const steps = [toPut('/etc/a', 'a'), toPut('/etc/b', 'b', { nodeId: s2 }), toPut('/etc/c', 'c')].map(
        (each, index) => ({
          ...each,
          dependsOn: index === 0 ? [] : [(index - 1).toString(16).padStart(16, '0')],
        }),
      );
      const two = {
        ...one,
        nodes: [...one.nodes, ...one.nodes.map((node) => ({ ...node, id: s2, name: 'two' }))],
      };
      const plan = {
        schemaVersion: 1,
        notices: [] as string[],
        id: 'p-x',
        siteId: 'site-x',
        kind: 'uninstall',
        revision: 1,
        factsHash: '',
      };
      const numbered = steps.map((each, index) => ({ ...each, id: index.toString(16).padStart(16, '0') }));
      const files = makeBundle(two, { ...plan, steps: numbered } as Plan); // ids are plain text here
      for (const { path, content } of files.values()) {
        mkdirSync(dirname(join(dir, path)), { recursive: true });
        writeFileSync(join(dir, path), content);
      }
      const all = join(dir, 'nodes/one/run-all.sh');
      const refused = await run(shell, all);
      expect(refused.code).toBe(64);
      expect(refused.stderr).toContain('turn 1: sh run-all.sh 1 1\n  turn 3: sh run-all.sh 2 2');
      expect((await run(shell, all, ['1', '1'])).code).toBe(0);
      expect([existsSync(join(root, 'etc/a')), existsSync(join(root, 'etc/c'))]).toEqual([true, false]);
      expect((await run(shell, all, ['2', '2'])).code).toBe(0);
      expect(existsSync(join(root, 'etc/c'))).toBe(true);
      expect(files.get('order.txt')?.content).toContain(
        '3\tone\t192.0.2.11\t1,2\t-\tsh nodes/one/run-all.sh 2 2\n',
      );
    });

    it('refuses where an act of Siteplan runs, and not where one has ended', async () => {
      const [script] = unpack([toPut('/etc/x', 'x')]);
      const act = join(root, 'var/lib/siteplan-host/acts/r-1.s.1');
      mkdirSync(act, { recursive: true });
      writeFileSync(join(root, 'var/lib/siteplan-host/current'), 'r-1.s.1\n');
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      writeFileSync(join(act, 'boot'), `${boot} ${process.pid} 1 cgroup 60 abc\n`);
      const refused = await step(script);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('A run of Siteplan is at work on this host.');
      expect(existsSync(join(root, 'etc/x'))).toBe(false);
      writeFileSync(join(act, 'exit'), '0 exit\n');
      expect(await step(script)).toMatchObject({ code: 0 });
    });

    it('says what is missing when only a part of the bundle was copied', async () => {
      const [script] = unpack([toPut('/etc/x', 'x')]);
      rmSync(join(dir, 'nodes/one/files'), { recursive: true });
      expect((await step(script)).stderr).toContain('files/etc/x is missing: copy the whole folder');
      rmSync(join(dir, 'kinds'), { recursive: true });
      expect((await step(script)).stderr).toContain(
        'kinds/file.put/probe.sh is missing: copy the whole folder',
      );
    });

    it('finishes a step that must not be cut, whoever presses Ctrl-C', async () => {
      unpack([toPut('/etc/x', 'x')]);
      const script = join(dir, 'nodes/one/steps/01-write-etc-x.sh');
      const uncut = readFileSync(script, 'utf8').replace(
        "step_uninterruptible=''",
        "step_uninterruptible='joins etcd'",
      );
      writeFileSync(script, uncut);
      const [begun, gate, ended] = ['begun', 'gate', 'ended'].map((name) => join(root, name));
      const act = `: > "$sp_root/begun"; until [ -e "$sp_root/gate" ]; do sleep 0.1; done; : > "$sp_root/ended"\n`;
      writeFileSync(join(dir, 'kinds/file.put/act.sh'), act);
      const child = spawn('env', [`SITEPLAN_ROOT=${root}`, ...shell, script], {
        detached: true,
        stdio: 'ignore',
      });
      const closed = once(child, 'close');
      await waitFor(() => existsSync(begun ?? ''), { what: 'the act to begin', timeoutMs: 20_000 });
      process.kill(-(child.pid ?? 0), 'SIGINT');
      process.kill(-(child.pid ?? 0), 'SIGHUP');
      writeFileSync(gate ?? '', '');
      await closed;
      expect(existsSync(ended ?? '')).toBe(true);
    });
  },
);
