import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/*
 * WHAT-IF-IT-DIES.md answers one question for every await of the engine. This test reads both: an await without a row
 * fails, and so does a row without an await.
 */
const FILES = [
  'lib/provision/run-engine.ts',
  'lib/provision/execute-step.ts',
  'lib/provision/send-artifact.ts',
  'lib/provision/run-act.ts',
  'lib/provision/follow-act.ts',
  'lib/provision/host-session.ts',
  'lib/provision/host-runner.ts',
  'lib/provision/event-writer.ts',
  'lib/worker/site-loop.ts',
  'lib/worker/run-plan-of.ts',
  'lib/worker/follow-cancel.ts',
];

function findOwner(node: ts.Node): string {
  for (let at = node.parent; !ts.isSourceFile(at); at = at.parent) {
    if ((ts.isFunctionDeclaration(at) || ts.isMethodDeclaration(at)) && at.name) return at.name.getText();
    if (!ts.isArrowFunction(at)) continue;
    const { parent } = at;
    if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) return parent.name.getText();
  }
  return 'module';
}

function toCalled(expression: ts.Expression): string {
  if (ts.isParenthesizedExpression(expression)) return toCalled(expression.expression);
  if (ts.isBinaryExpression(expression)) return toCalled(expression.right);
  const called = ts.isCallExpression(expression) ? expression.expression : expression;
  return ts.isPropertyAccessExpression(called) ? called.name.getText() : called.getText();
}

/** `function / what is awaited` of each await, without doubles, in order. */
function listAwaits(file: string): string[] {
  const text = readFileSync(join(process.cwd(), file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isAwaitExpression(node)) found.add(`${findOwner(node)} / ${toCalled(node.expression)}`);
    if (ts.isForOfStatement(node) && node.awaitModifier) found.add(`${findOwner(node)} / for await`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...found].sort();
}

const page = readFileSync(join(import.meta.dirname, 'WHAT-IF-IT-DIES.md'), 'utf8');

/** The first cells of the table below the file's heading; the other cells of each. */
function readTable(file: string): Map<string, readonly string[]> {
  const [, section = ''] = page.split(`\n## ${file}\n`);
  const lines = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| `'));
  return new Map(
    lines.map((line) => {
      const [name = '', ...cells] = line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim());
      return [name.replaceAll('`', ''), cells];
    }),
  );
}

describe.each(FILES)('%s', (file) => {
  const table = readTable(file);

  it('has a row for each await and an await for each row', () => {
    expect([...table.keys()].sort()).toEqual(listAwaits(file));
  });

  it('has an answer in every cell, and names tests that are there', () => {
    for (const [name, cells] of table) {
      expect(cells, name).toHaveLength(4);
      for (const cell of cells) expect(cell, name).not.toBe('');
    }
  });
});

it('every test that the page names is in the file that it names', () => {
  const named = [...page.matchAll(/^- \*\*([A-Z]\d*)\*\* `([^`]+)`: (.+)$/gm)];
  expect(named.length).toBeGreaterThan(5);
  for (const [, , file = '', titles = ''] of named) {
    const text = readFileSync(join(process.cwd(), file), 'utf8');
    for (const [, title = ''] of titles.matchAll(/"([^"]+)"/g)) expect(text, file).toContain(title);
  }
  const letters = new Set(named.map(([, letter]) => letter));
  const used = FILES.flatMap((file) => [...readTable(file).values()]).flatMap((cells) =>
    (cells[3] ?? '').split(', '),
  );
  for (const letter of used) expect(letters, letter).toContain(letter);
});
