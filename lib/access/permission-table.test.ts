import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PERMISSION_TABLE } from './permission-table';

/*
 * S5: every way into the web process stands in the table and asks for its own row before it does anything.
 * Sources are read, not run: what is not written there cannot be called.
 */

const APP = join(import.meta.dirname, '../../app');
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

interface Entry {
  readonly name: string;
  readonly file: string;
  /** Why the source does not ask for its own row first, or null. */
  readonly problem: string | null;
}

function listFiles(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    return entry.isDirectory() ? listFiles(path) : [path];
  });
}

/** `(app)/sites/[siteId]` as `/sites/[siteId]`. */
function toUrlPath(folder: string): string {
  const segments = folder.split('/').filter((segment) => segment !== '' && !/^\(.*\)$/.test(segment));
  return `/${segments.join('/')}`;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

/** The source with comments and blanks at line ends gone, so that patterns need not think of them. */
function read(file: string): string {
  return readFileSync(file, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');
}

/** A page's first await (after its parameters) is its own question. */
function toPage(file: string): Entry {
  const name = `page ${toUrlPath(relative(APP, join(file, '..')))}`;
  const source = read(file);
  const body = /export default async function \w+\([^]*?\)[^{]*\{([^]*)$/.exec(source)?.[1] ?? '';
  const awaits = [...body.matchAll(/await\s+([^;]*)/g)].map(([, call = '']) => call.replace(/\s+/g, ' '));
  const first = awaits.find(
    (call) => !/^(params|searchParams|Promise\.all\(\[params, searchParams\]\))\b/.test(call),
  );
  const isOwn = new RegExp(`^(requireUser|publicPage)\\( ?'${escape(name)}'`).test(first ?? '');
  return { name, file, problem: isOwn ? null : `its first await is ${first ?? 'missing'}` };
}

function toRoutes(file: string): Entry[] {
  const path = toUrlPath(relative(APP, join(file, '..')));
  const source = read(file);
  return METHODS.flatMap((method) => {
    if (!new RegExp(`export (const|async function|function) ${method}\\b`).test(source)) return [];
    const name = `${method} ${path}`;
    const wrapped = new RegExp(`export const ${method} = apiRoute(<[^(]*>)?\\(\\s*'${escape(name)}',`);
    const open = new RegExp(
      `export (async )?function ${method}\\([^)]*\\)[^{]*\\{\\s*publicRoute\\('${escape(name)}'\\);`,
    );
    const isOwn = wrapped.test(source) || open.test(source);
    return [{ name, file, problem: isOwn ? null : 'it neither is an apiRoute nor calls publicRoute first' }];
  });
}

function toActions(file: string): Entry[] {
  const source = read(file);
  if (!/^\s*['"]use server['"]/.test(source)) return [];
  const place = relative(APP, file).replace(/\.tsx?$/, '');
  return [...source.matchAll(/export\s+(?:async\s+function|const|function|\{)\s*(\w+)/g)].map(
    ([, exported = '']) => {
      const name = `action ${place}#${exported}`;
      const call = `export async function ${exported}\\([^]*?\\): [^{]*?(\\{[^{}]*\\}[^{]*?)*\\{\\s*return (action|openAction)\\(\\s*'${escape(name)}',`;
      const isOwn = new RegExp(call).test(source);
      return {
        name,
        file,
        problem: isOwn ? null : 'its first statement is not its own action(…) or openAction(…)',
      };
    },
  );
}

const files = listFiles(APP).filter((file) => /\.tsx?$/.test(file) && !/\.test\.tsx?$/.test(file));
const entries = files.flatMap((file): Entry[] => {
  if (/\/page\.tsx?$/.test(file)) return [toPage(file)];
  if (/\/route\.tsx?$/.test(file)) return toRoutes(file);
  return toActions(file);
});

describe('the permission table', () => {
  it('finds entries of every kind', () => {
    for (const kind of [/^page /, /^GET /, /^POST /, /^action /]) {
      expect(entries.filter(({ name }) => kind.test(name)).length).toBeGreaterThan(1);
    }
  });

  it('has a row for every page, route handler and server action', () => {
    expect(entries.map(({ name }) => name).filter((name) => !(name in PERMISSION_TABLE))).toEqual([]);
  });

  it('has no row whose entry is gone', () => {
    const found = new Set(entries.map(({ name }) => name));
    expect(Object.keys(PERMISSION_TABLE).filter((name) => !found.has(name))).toEqual([]);
  });

  it('is asked first, with the own name, by every entry', () => {
    const problems = entries.flatMap(({ name, file, problem }) =>
      problem ? [`${name} (${relative(APP, file)}): ${problem}`] : [],
    );
    expect(problems).toEqual([]);
  });

  it('knows every file in which the browser could call the server', () => {
    const inline = files.filter(
      (file) => /['"]use server['"]/.test(read(file)) && !/^\s*['"]use server['"]/.test(read(file)),
    );
    expect(inline.map((file) => relative(APP, file))).toEqual([]);
    const outside = ['components', 'lib']
      .flatMap((dir) => listFiles(join(APP, '..', dir)))
      .filter(
        (file) =>
          /\.tsx?$/.test(file) && !/\.test\.tsx?$/.test(file) && /^\s*['"]use server['"]/m.test(read(file)),
      );
    expect(outside).toEqual([]);
    const special = files.filter((file) => /\/(middleware|proxy|instrumentation)\.ts$/.test(file));
    expect(special).toEqual([]);
  });
});
