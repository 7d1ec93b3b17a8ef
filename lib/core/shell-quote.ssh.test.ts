import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { quoteShell, toShellAssignments } from './shell-quote';

/** Shells that a host may have; `sh` and `bash` must be here, busybox is tried where it is installed. */
const SHELLS = [['sh'], ['bash', '--posix'], ['bash'], ['busybox', 'sh']].filter(
  ([program = '']) =>
    program !== 'busybox' || spawnSync('busybox', ['true'], { stdio: 'ignore' }).error === undefined,
);

/** What a value that was run as code would leave its files in. */
const cwd = mkdtempSync(join(tmpdir(), 'siteplan-quote-'));
afterAll(() => {
  const left = readdirSync(cwd);
  rmSync(cwd, { recursive: true });
  expect(left).toEqual([]);
});

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom("'", '"', '\\', '$', '`', '\n', '\r', '\t', ' ', '!', '*', '~', '-', '#', ';', '&'),
  }),
  fc.constantFrom(
    '$(touch marker)',
    '`touch marker`',
    "'; touch marker; '",
    "'\\''; touch marker",
    '-oProxyCommand=touch marker',
    'a\n touch marker\n',
    '\u202etxt',
    "\\'",
    "'\\",
    '\u0081\u0082\u0088',
  ),
);

function runShell(shell: readonly string[], script: string): Buffer {
  const [program = 'sh', ...args] = shell;
  const result = spawnSync(program, args, {
    input: `LC_ALL=C; export LC_ALL\n${script}`,
  });
  expect(result.stderr.toString()).toBe('');
  expect(result.status).toBe(0);
  return result.stdout;
}

describe.each(SHELLS.map((shell) => ({ name: shell.join(' '), shell })))('quoting in $name', ({ shell }) => {
  it('gives every value back, byte for byte', () => {
    const value = hostile.map((text) => text.replaceAll('\0', '').toWellFormed());
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 40 }), (values) => {
        const variables = Object.fromEntries(values.map((text, index) => [`v${index}`, text]));
        const prints = values.map((_, index) => `printf '%s\\000' "$sp_v${index}"\n`).join('');
        const output = runShell(shell, `set -eu\n${toShellAssignments(variables)}${prints}`);
        expect(output.toString('utf8').split('\0').slice(0, -1)).toEqual(values);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps a quoted word one word', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const value = text.replaceAll('\0', '').toWellFormed();
        const output = runShell(shell, `set -- ${quoteShell(value)} end\nprintf '%s\\000%s' "$#" "$1"`);
        expect(output.toString('utf8')).toBe(`2\0${value}`);
      }),
      { numRuns: 60 },
    );
  });
});

describe('refusals', () => {
  it('refuses NUL', () => expect(() => quoteShell('a\0b')).toThrow('NUL'));

  it.each(['', 'A', 'a-b', '1a', 'a b', 'a;b', '_a', 'a\n'])('refuses the variable name %j', (name) => {
    expect(() => toShellAssignments({ [name]: 'x' })).toThrow('not a variable name');
  });

  it('writes names in order, prefixed', () => {
    expect(toShellAssignments({ b: "it's", a: '' })).toBe("sp_a=''\nsp_b='it'\\''s'\n");
  });
});
