import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findShells, runStepPart, type Shell } from '@/lib/testing/run-step';
import { filePut } from './file-put';
import { fileRemove } from './file-remove';
import { parseStepOutputs } from './script-output';
import { PROBE_NEEDED, PROBE_SATISFIED } from './step-kind';

const me = userInfo().username;
let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'siteplan-steps-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function toPutParams(more: Record<string, unknown> = {}) {
  return {
    path: '/etc/rancher/rke2/config.yaml',
    mode: '0600',
    owner: me,
    group: me,
    content: 'token: ⟦secret join v1⟧\n',
    secrets: [],
    dropsStamps: [],
    ...more,
  };
}

describe.each(findShells().map((shell) => ({ name: shell.join(' '), shell })))(
  'files with $name',
  ({ shell }) => {
    const put = (part: 'probe' | 'act' | 'verify', params: unknown, options: object = {}) =>
      runStepPart(filePut, part, { shell, root, params, ...options });

    it('writes a file with mode, owner and every byte, and then has nothing to do', async () => {
      const params = toPutParams();
      expect((await put('probe', params)).code).toBe(PROBE_NEEDED);
      expect((await put('verify', params)).code).toBe(1);
      expect((await put('act', params)).stderr).toBe('');
      const file = join(root, params.path);
      expect(readFileSync(file, 'utf8')).toBe(params.content);
      expect(statSync(file).mode & 0o7777).toBe(0o600);
      expect(statSync(dirname(file)).mode & 0o7777).toBe(0o755);
      expect((await put('probe', params)).code).toBe(PROBE_SATISFIED);
      expect((await put('verify', params)).code).toBe(0);
      expect(readdirSync(dirname(file))).toEqual(['config.yaml']);
    });

    it('gives any content back byte for byte, twice', async () => {
      const content = fc.string({ unit: 'binary', maxLength: 2_000 }).map((value) => value.toWellFormed());
      await fc.assert(
        fc.asyncProperty(content, async (text) => {
          const params = toPutParams({ content: text });
          for (const _run of [1, 2]) {
            expect((await put('act', params)).code).toBe(0);
            expect(readFileSync(join(root, params.path), 'utf8')).toBe(text);
          }
          expect((await put('probe', params)).code).toBe(PROBE_SATISFIED);
        }),
        { numRuns: 8 },
      );
    });

    it.each([
      ['mode', (file: string) => chmodSync(file, 0o644)],
      ['content', (file: string) => writeFileSync(file, 'other', { mode: 0o600 })],
      ['kind', (file: string) => (rmSync(file), symlinkSync('/etc/hostname', file))],
      ['kind, a link to a directory', (file: string) => (rmSync(file), symlinkSync('/tmp', file))],
    ])('sees a changed %s and sets it right', async (_what, change) => {
      const params = toPutParams();
      await put('act', params);
      change(join(root, params.path));
      expect((await put('probe', params)).code).toBe(PROBE_NEEDED);
      expect((await put('verify', params)).stderr).toContain('siteplan-failure verify-failed');
      expect((await put('act', params)).code).toBe(0);
      expect((await put('verify', params)).code).toBe(0);
      expect(readdirSync(dirname(join(root, params.path)))).toEqual(['config.yaml']);
    });

    it('leaves the old file alone when the payload did not arrive whole, and clears up after a kill', async () => {
      const params = toPutParams();
      await put('act', params);
      writeFileSync(join(dirname(join(root, params.path)), '.siteplan-new.abcdef'), 'left by a kill');
      const cut = await put('act', params, {
        payload: 'half',
        overrides: { payload_sha256: 'f'.repeat(64) },
      });
      expect(cut.code).toBe(1);
      expect(cut.stderr).toContain('did not arrive whole');
      expect(readFileSync(join(root, params.path), 'utf8')).toBe(params.content);
      expect(readdirSync(dirname(join(root, params.path)))).toEqual(['config.yaml']);
    });

    it('refuses a directory in the way and names it', async () => {
      const params = toPutParams();
      mkdirSync(join(root, params.path), { recursive: true });
      const result = await put('act', params);
      expect(result.code).toBe(1);
      expect(result.stderr).toContain('/etc/rancher/rke2/config.yaml is a directory');
    });

    it('does not rewrite a file that is already so when probed, and never prints the content', async () => {
      const params = toPutParams({ content: 'password: hunter2hunter2\n' });
      const printed = [await put('act', params), await put('probe', params), await put('verify', params)];
      const file = join(root, params.path);
      utimesSync(file, 1, 1);
      await put('probe', params);
      expect(statSync(file).mtimeMs).toBe(1_000);
      expect(JSON.stringify(printed)).not.toContain('hunter2');
    });

    it('drops the stamps of what read the file before it changes', async () => {
      const stamps = join(root, 'var/lib/siteplan-host/stamps');
      mkdirSync(stamps, { recursive: true });
      for (const name of ['rke2-server.service', 'rke2-ready', 'sysctl'])
        writeFileSync(join(stamps, name), 'x\n');
      await put('act', toPutParams({ dropsStamps: ['rke2-server.service', 'rke2-ready'] }));
      expect(readdirSync(stamps)).toEqual(['sysctl']);
    });

    it('removes a file or link once, and nothing the second time', async () => {
      const params = { path: '/etc/old.conf', dropsStamps: [] };
      const remove = (part: 'probe' | 'act' | 'verify') =>
        runStepPart(fileRemove, part, { shell, root, params });
      mkdirSync(join(root, 'etc'));
      expect((await remove('probe')).code).toBe(PROBE_SATISFIED);
      symlinkSync('/nowhere', join(root, 'etc/old.conf'));
      expect((await remove('probe')).code).toBe(PROBE_NEEDED);
      for (const _run of [1, 2]) expect((await remove('act')).code).toBe(0);
      expect((await remove('verify')).code).toBe(0);
      expect(readdirSync(join(root, 'etc'))).toEqual([]);
      mkdirSync(join(root, 'etc/old.conf'));
      expect((await remove('act')).stderr).toContain('is a directory');
    });
  },
);

describe('hostile values', () => {
  const hostile = fc.oneof(
    fc.constantFrom(
      '$(touch marker)',
      '`touch marker`',
      "'; touch marker; '",
      '"; touch marker; "',
      '-rf',
      '--help',
      '\n',
      '*',
      '../x',
      ' ',
      '~',
      '!!',
      '$IFS',
      'a\ntouch marker\n',
    ),
    fc.string({
      unit: fc.constantFrom("'", '"', '\\', '$', '(', ')', '`', ';', '&', '|', '\n', '-', '/', ' ', 't'),
    }),
  );
  const shell: Shell = ['sh'];

  it('are data in every variable of file.put and file.remove', async () => {
    await fc.assert(
      fc.asyncProperty(
        hostile,
        fc.constantFrom('path', 'mode', 'owner', 'group', 'drops_stamps'),
        async (value, name) => {
          const overrides = { [name]: name === 'path' ? `/h/${value}` : value };
          for (const part of ['probe', 'act', 'verify'] as const) {
            await runStepPart(filePut, part, { shell, root, params: toPutParams(), overrides });
            const params = { path: '/h/x', dropsStamps: [] };
            if (name === 'path' || name === 'drops_stamps')
              await runStepPart(fileRemove, part, { shell, root, params, overrides });
          }
        },
      ),
      { numRuns: 40 },
    );
    expect(readdirSync(root).filter((name) => name === 'marker')).toEqual([]);
  });

  it('are refused by the schema', () => {
    for (const path of ['relative', '/a/../b', '/a b', '/a\nb', '/', '/$(x)', '/a/./b']) {
      expect(filePut.params.safeParse(toPutParams({ path })).success, path).toBe(false);
    }
    for (const owner of ['-x', 'a b', 'root;', '$(id)', '']) {
      expect(filePut.params.safeParse(toPutParams({ owner })).success, owner).toBe(false);
    }
  });
});

describe('outputs', () => {
  it('come from lines of their own only', () => {
    expect(
      parseStepOutputs(
        'siteplan-output a b c\nx siteplan-output d e\nsiteplan-output A x\nsiteplan-output a z\u0007',
      ),
    ).toEqual({ a: 'z\ufffd' });
  });
});
