import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';

/* S14: the lint rule that keeps scripts for hosts constant, and the few places that it lets pass. */

const ROOT = resolve(import.meta.dirname, '../..');
const eslint = new ESLint({
  cwd: ROOT,
  ruleFilter: ({ ruleId }) => ruleId === 'no-restricted-syntax',
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
});

/** As if it stood in another file of the transport; lintText reads no file. */
async function findProblems(code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: join(ROOT, 'lib/ssh/stream-script.ts') });
  return (result?.messages ?? []).flatMap(({ message }) => (message.includes('S14') ? [message] : []));
}

const isCaught = async (code: string) => (await findProblems(code)).length > 0;

describe('scripts for hosts', () => {
  it.each([
    'shell.run({ script: `rm ${path}`, timeoutMs: 1 });',
    "shell.run({ script: 'rm ' + path, timeoutMs: 1 });",
    "shell.run({ script: ['rm', path].join(' '), timeoutMs: 1 });",
    "shell.run({ script: 'rm PATH'.replace('PATH', path), timeoutMs: 1 });",
    'connection.stream({ script: `tail ${quoteShell(path)}` });',
    'const KILL_SCRIPT = `kill ${pid}`;',
    'const script = `kill ${pid}`;',
    'script = `kill ${pid}`;',
    "const command = 'kill ' + pid;",
    'client.exec(`kill ${pid}`, done);',
    'openProgram(host, `kill ${pid}`);',
    'defineStepKind({ probe: `test -e ${path}` });',
    'defineStepKind({ act: toScript(SHARED, `rm ${path}`) });',
    'function toKillScript(pid: number) { return `kill ${pid}`; }',
  ])('may not be made like %s', async (code) => {
    expect(await isCaught(code)).toBe(true);
  });

  it.each([
    'shell.run({ script: \'rm -- "$sp_path"\', variables: { path }, timeoutMs: 1 });',
    'shell.run({ script: READ_SCRIPT, timeoutMs: 1 });',
    'const READ_SCRIPT = `${PRELUDE}cat "$sp_path"`;',
    "const READ_SCRIPT = `check ${UNITS.join(' ')}`;",
    'const message = `${name} did not answer`;',
  ])('may be made like %s', async (code) => {
    expect(await isCaught(code)).toBe(false);
  });

  it.each([
    ['lib/ssh/to-program.ts', 2],
    ['lib/ssh/framed-shell.ts', 1],
    ['lib/ssh/open-program.ts', 3],
    ['lib/steps/script.ts', 1],
  ])('are put together in %s, at %i places and no more', async (name, count) => {
    const problems = await findProblems(readFileSync(join(ROOT, name), 'utf8'));
    expect(problems).toHaveLength(count);
    // Its own path is let pass by the configuration, with its reason.
    const own = await eslint.lintFiles([join(ROOT, name)]);
    expect(own.flatMap(({ messages }) => messages)).toEqual([]);
    expect(readFileSync(join(ROOT, 'eslint.config.mjs'), 'utf8')).toMatch(new RegExp(`'${name}', // \\w`));
  });
});
