import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quoteShell } from '@/lib/core/shell-quote';
import { renderNode } from '@/lib/render/render-node';
import { STEP_KINDS } from '@/lib/steps/catalogue';
import { filePut } from '@/lib/steps/file-put';
import { AGENT_TOKEN, exampleLayout, SERVER_TOKEN } from '@/lib/testing/example-layout';
import { findShells, runStepPart, type Shell } from '@/lib/testing/run-step';
import { startSshd, type TestSshd } from '@/lib/testing/sshd';
import { Topology } from '@/lib/topology/topology';
import { connectHost } from './connect-host';
import { toProgram } from './to-program';

/*
 * S14: 2,000 hostile values through every field that reaches a shell: all variables of all kinds of steps, and every
 * text of a topology. Nothing of a value may ever run (a marker file would show it), and each arrives byte for byte.
 */

const CORPUS = [
  '$(touch marker)',
  '`touch marker`',
  "'; touch marker; '",
  '"; touch marker; "',
  "'\\''; touch marker; '\\''",
  'x; touch marker; #',
  'a\ntouch marker\n',
  '\r\ntouch marker\r\n',
  '| touch marker',
  '&& touch marker &',
  '> marker',
  '$((a[$(touch marker)]))',
  'a[$(touch marker)]',
  '${x:=$(touch marker)}',
  '${IFS}touch${IFS}marker',
  '-oProxyCommand=touch marker',
  '--checkpoint-action=exec=touch marker',
  '-n',
  '--',
  '* ? [a-z]*',
  '~root/marker',
  '!!; touch marker',
  '\u202etxt.hs\u2066',
  '\u0000\u0001\u007f\u0080\ufeff'.replace('\u0000', ''),
  'ünï çødé 漢字 🚀',
  '%s%n%d\\c\\0',
  '\\',
  '',
  ' leading and trailing ',
  `${'A'.repeat(65_000)}'; touch marker; '`,
  `$(touch marker)${'x'.repeat(65_536)}`,
];

const hostile = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ unit: fc.constantFrom(...'\'"\\$`\n\r\t !*~-#;&|<>(){}[]=%') }),
    fc
      .array(fc.constantFrom(...CORPUS.filter((text) => text.length < 100)), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join('')),
  )
  .map((text) => text.replaceAll('\0', '').toWellFormed());
const VALUES = [...CORPUS, ...fc.sample(hostile, { numRuns: 2_000 - CORPUS.length, seed: 20_261_123 })];

const version = 'v1.35.7+rke2r1';
const me = userInfo().username;
const stamped = { stampName: 'x', stamp: 'abc' };
const unit = { unit: 'siteplan-none.service', stamp: 'abc' };
/** Parameters that the schema of each kind takes. */
const PARAMS: Readonly<Record<string, unknown>> = {
  'file.put': {
    path: '/a/b',
    mode: '0600',
    owner: me,
    group: me,
    content: 'x',
    secrets: [],
    dropsStamps: ['x'],
  },
  'file.remove': { path: '/a/b', dropsStamps: ['x'] },
  'sysctl.apply': { path: '/a/b', ...stamped },
  'modules.load': { path: '/a/b', ...stamped },
  'artifact.fetch': { baseUrl: 'http://127.0.0.1:9', version, arch: 'amd64', file: 'f' },
  'images.place': { version, arch: 'amd64', file: 'f' },
  'rke2.install': { version, arch: 'amd64', role: 'server', dropsStamps: ['x'] },
  'service.start': unit,
  'service.restart': unit,
  'service.reload': { ...unit, stampName: 'x' },
  'service.stop': { unit: 'siteplan-none.service', dropsStamps: ['x'] },
  'lb.packages': { keepalived: true },
  'lb.put': {
    program: 'keepalived',
    path: '/a/b',
    mode: '0600',
    owner: me,
    group: me,
    content: 'x',
    secrets: [],
    dropsStamps: ['x'],
  },
  'lb.ready': { vip: '192.0.2.10', stamp: 'abc' },
  'cluster.verify': {
    nodes: [{ name: 's1', role: 'server' }],
    apiUrl: 'https://192.0.2.10:6443',
    stamp: 'abc',
  },
  'nodes.label': { nodes: [{ name: 's1', labels: { a: 'b' } }], stamp: 'abc' },
  'rke2.ready': { nodeName: 's1', role: 'server', version, voter: true, stamp: 'abc' },
  'rke2.uninstall': {},
};
/** Constants of the kinds, not values of anybody; they stand in arithmetic. */
const CONSTANTS: Readonly<Record<string, string>> = { pause_s: '0', wait_s: '0', max_failures: '1' };
const namesOf = (kind: (typeof STEP_KINDS)[keyof typeof STEP_KINDS]) =>
  Object.keys(kind.toVariables(PARAMS[kind.kind])).filter((name) => !(name in CONSTANTS));
const ALL_NAMES = [...new Set(Object.values(STEP_KINDS).flatMap(namesOf))].sort();

let root: string;
let sshd: TestSshd;
beforeAll(async () => {
  sshd = await startSshd();
  root = mkdtempSync(join(tmpdir(), 'siteplan-hostile-'));
  // What a step would call, so that no value reaches a program of this machine.
  for (const tool of ['systemctl', 'journalctl', 'curl', 'wget', 'sysctl', 'modprobe', 'kubectl', 'sleep']) {
    mkdirSync(join(root, 'bin'), { recursive: true });
    writeFileSync(join(root, 'bin', tool), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  }
});
afterAll(async () => {
  rmSync(root, { recursive: true, force: true });
  await sshd.stop();
});

const findMarkers = () =>
  [process.cwd(), '/', '/root', '/tmp', root, sshd.dir]
    .map((dir) => join(dir, 'marker'))
    .concat(
      existsSync(root)
        ? readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
            /(^|\/)marker$/.test(name),
          )
        : [],
    )
    .filter((path) => existsSync(path));

/** Runs sh text from standard input, as the transport does. */
async function runText(shell: Shell, text: string): Promise<Buffer> {
  const [program, ...args] = shell;
  const child = spawn(program, args, { cwd: root, stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.on('error', () => undefined);
  child.stdin.end(text);
  const [output] = await Promise.all([buffer(child.stdout), once(child, 'close')]);
  return output;
}

const PRINT_SCRIPT = `for name in $sp_names; do eval "printf '%s\\000' \\"\\$sp_$name\\""; done\n`;
const chunks = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, at) => list.slice(at * size, (at + 1) * size));
const SHELLS: readonly Shell[] = [...findShells(), ['bash']];

describe('hostile values (S14)', () => {
  it('are two thousand, and NUL is refused', () => {
    expect(VALUES).toHaveLength(2_000);
    expect(() => toProgram({ path: 'a\0b' }, PRINT_SCRIPT)).toThrow('NUL');
  });

  it.each(SHELLS.map((shell) => ({ name: shell.join(' '), shell })))(
    'arrive byte for byte in every variable of every kind of step ($name)',
    async ({ shell }) => {
      for (const values of chunks(VALUES, ALL_NAMES.length)) {
        const names = ALL_NAMES.slice(0, values.length);
        const variables = Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
        const program = toProgram({ ...variables, names: names.join(' ') }, PRINT_SCRIPT);
        const output = (await runText(shell, `LC_ALL=C; export LC_ALL\n${program}`)).toString('utf8');
        expect(output.split('\0').slice(0, -1)).toEqual(values);
      }
      expect(findMarkers()).toEqual([]);
    },
  );

  it('arrive through a real connection, as variables and as standard input', async () => {
    const connection = await connectHost(sshd.target, { policy: { allow: ['127.0.0.0/8'] } });
    const shell = connection.openShell();
    for (const values of chunks(VALUES.slice(0, 400), ALL_NAMES.length)) {
      const names = ALL_NAMES.slice(0, values.length);
      const variables = Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
      const script = `cd "$sp_dir"; cat; ${PRINT_SCRIPT}`;
      const payload = values.join('\0') + '\0';
      const result = await shell.run({
        script,
        variables: { ...variables, dir: root, names: names.join(' ') },
        payload,
        timeoutMs: 60_000,
      });
      expect(result.stdout.toString('utf8').split('\0').slice(0, -1)).toEqual([...values, ...values]);
    }
    connection.close();
    expect(findMarkers()).toEqual([]);
  });

  it('run in no script of any kind of step', async () => {
    // A parent directory is refused by the schema of paths; here the scripts stand alone.
    const values = VALUES.map((value) => value.replaceAll('..', '__').slice(0, 4_000));
    const parts = Object.values(STEP_KINDS).flatMap((kind) =>
      (['probe', 'act', 'verify'] as const).map((part) => ({ kind, script: kind[part] })),
    );
    const perPart = Math.ceil(values.length / parts.length);
    const runs = parts.flatMap(({ kind, script }, index) => {
      const own = chunks(values, perPart)[index] ?? [];
      return chunks(own, 20).map((some) => ({ kind, script, some }));
    });
    let ran = 0;
    const runOne = async ({ kind, script, some }: (typeof runs)[number], index: number) => {
      const shell = SHELLS[index % SHELLS.length] ?? ['sh'];
      const text = some.map((value) => {
        ran += 1;
        const set = (name: string) => [name, name === 'path' ? `/a/${value}` : value] as const;
        const hostileOnes = Object.fromEntries(namesOf(kind).map(set));
        const variables = { ...hostileOnes, ...CONSTANTS, payload_sha256: value, root };
        return `(\n${toProgram(variables)}eval ${quoteShell(script)}\n) </dev/null\n`;
      });
      await runText(shell, text.join(''));
    };
    for (const some of chunks([...runs.entries()], 4)) {
      await Promise.all(some.map(([index, run]) => runOne(run, index)));
    }
    expect(ran).toBe(2_000);
    expect(findMarkers()).toEqual([]);
  });
});

/** Paths of all texts in a document. */
function listTexts(
  value: unknown,
  path: readonly (string | number)[] = [],
): (readonly (string | number)[])[] {
  if (typeof value === 'string') return [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => listTexts(member, [...path, key]));
}

function withText(value: unknown, path: readonly (string | number)[], text: string): unknown {
  const copy = structuredClone(value) as Record<string | number, unknown>; // walked by paths of its own
  let at = copy;
  for (const key of path.slice(0, -1)) at = at[key] as typeof at;
  at[path.at(-1) ?? ''] = text;
  return copy;
}

describe('hostile texts of a topology (S14)', () => {
  const base = exampleLayout({
    notes: 'note',
    registration: { via: 'vip', vip: '192.168.10.5', dnsName: 'lb.example.com', loadBalancer: 'managed' },
    rke2: { serverArgs: { kubelet: ['max-pods=10'], kubeApiserver: ['v=2'] } },
    edge: { registryMirrors: [{ registry: 'docker.io', endpoints: ['https://mirror.example'] }] },
    etcd: { snapshots: { s3: { endpoint: 's3.example', bucket: 'bucket', folder: 'folder' } } },
    security: { serverToken: SERVER_TOKEN, agentToken: AGENT_TOKEN, extraSans: ['api.example'] },
  });

  it('are refused, or end up in files byte for byte, and never in a path', async () => {
    const texts = listTexts(base);
    expect(texts.length).toBeGreaterThan(60);
    const paths = new Set(
      base.nodes.flatMap(({ id }) =>
        id.startsWith('n-lb') ? [] : renderNode(base, id).map((file) => file.path),
      ),
    );
    const written = new Map<string, string>();
    let accepted = 0;
    for (const [index, value] of VALUES.entries()) {
      for (const offset of [0, 1]) {
        const path = texts[(index * 2 + offset) % texts.length];
        const parsed = path && Topology.safeParse(withText(base, path, value));
        if (!parsed?.success || value.trim() === '') continue;
        accepted += 1;
        const server = parsed.data.nodes.find(({ role }) => role === 'server');
        if (!server) continue;
        for (const file of renderNode(parsed.data, server.id)) {
          expect(paths).toContain(file.path);
          if (file.content.includes(value.slice(0, 20))) written.set(file.content, file.path);
        }
      }
    }
    expect(accepted).toBeGreaterThan(50);
    expect(written.size).toBeGreaterThan(3);
    for (const [content, path] of [...written].slice(0, 40)) {
      const params = { ...(PARAMS['file.put'] as object), path, content };
      const shell = SHELLS[content.length % SHELLS.length] ?? ['sh'];
      expect(await runStepPart(filePut, 'act', { shell, root, params })).toMatchObject({ code: 0 });
      expect(readFileSync(join(root, path), 'utf8')).toBe(content);
      rmSync(join(root, dirname(path)), { recursive: true });
    }
    expect(findMarkers()).toEqual([]);
  });
});
