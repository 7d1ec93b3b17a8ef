import { readdirSync, readFileSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');

/** Tier 0 in its order: each folder may import those above it (STYLE: who may import whom). */
const TIER0 = [
  'core',
  'access',
  'topology',
  'ports',
  'health',
  'hubble',
  'policy',
  'rules',
  'render',
  'steps',
  'plan',
  'bundle',
  'run',
  'diagram',
  'share',
  'display',
] as const;
const TIER1 = ['env', 'log', 'db', 'ssh', 'relay', 'secrets', 'sse', 'artifacts', 'archive'] as const;
const TIER0_LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  core: ['zod', '@noble/hashes', 'diff'],
  topology: ['zod', 'yaml'],
  render: ['zod', 'yaml'],
};
/** A runtime dependency is imported by one folder; what every layer speaks is listed as shared. */
const SHARED_LIBRARIES = [
  'zod',
  'react',
  'react-dom',
  'next',
  'server-only',
  '@tanstack/react-query',
  'yaml',
  'lucide-react',
];
const OWNER_OF: Readonly<Record<string, readonly string[]>> = {
  ssh2: ['lib/ssh', 'lib/testing'],
  pg: ['lib/db', 'lib/testing'],
  '@prisma/client': ['lib/db'],
  '@prisma/adapter-pg': ['lib/db'],
  '@prisma/driver-adapter-utils': ['lib/db'],
  '@prisma/schema-engine-wasm': ['lib/db'],
  pino: ['lib/log'],
  tar: ['lib/archive'],
  'better-auth': ['lib/auth'],
  reactflow: ['components/diagram'],
  diff: ['lib/core'],
  '@noble/hashes': ['lib/core'],
};

interface Edge {
  readonly from: string;
  readonly to: string;
}

function listSources(dir: string): string[] {
  return readdirSync(join(ROOT, dir), { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory())
      return entry.name === 'generated' || entry.name === 'node_modules' ? [] : listSources(path);
    return /\.(ts|tsx)$/.test(entry.name) ? [path] : [];
  });
}

const sources = ['lib', 'components', 'app', 'e2e'].flatMap(listSources);
const isTest = (path: string) => /\.(test|e2e)\.tsx?$/.test(path);

function listImports(path: string): string[] {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;
  return Array.from(text.matchAll(pattern), (match) => match[1] ?? match[2] ?? '');
}

/** Imports as repository paths (`lib/core/cidr`) or package names. */
const edges: Edge[] = sources.flatMap((from) =>
  listImports(from).map((specifier) => {
    if (specifier.startsWith('@/')) return { from, to: specifier.slice(2) };
    if (specifier.startsWith('.')) return { from, to: normalize(join(dirname(from), specifier)) };
    return { from, to: specifier };
  }),
);

const isOurs = (path: string) => /^(lib|components|app|e2e|prisma)\//.test(path);
const toPackage = (specifier: string) =>
  specifier.startsWith('@')
    ? specifier.split('/').slice(0, 2).join('/')
    : (specifier.split('/')[0] ?? specifier);
const isBuiltin = (specifier: string) => specifier.startsWith('node:') || builtinModules.includes(specifier);
/** `lib/core`, `components/ui`, `app`, `e2e`. */
const toFolder = (path: string) => {
  const [top, second] = path.split('/');
  return top === 'lib' || top === 'components' ? `${top}/${second ?? ''}` : (top ?? '');
};
const lib = (names: readonly string[]) => names.map((name) => `lib/${name}`);

const TIER0_FOLDERS = lib(TIER0);
const TIER1_FOLDERS = lib(TIER1);

/** Folders of ours that a folder may import besides itself; null when the folder is not in the table. */
function listAllowed(folder: string): readonly string[] | null {
  const [top, name = ''] = folder.split('/');
  if (top === 'app') {
    return [...TIER0_FOLDERS, 'components/*', 'lib/services', 'lib/auth', 'lib/sse', 'lib/env', 'lib/log'];
  }
  if (top === 'e2e') return [...TIER0_FOLDERS, ...TIER1_FOLDERS, 'lib/*', 'e2e'];
  if (top === 'components') {
    if (name === 'ui') return ['lib/core'];
    if (name === 'displays') return TIER0_FOLDERS;
    return [...TIER0_FOLDERS, 'components/ui', 'components/live', 'components/diagram'];
  }
  const tier0 = TIER0.findIndex((candidate) => candidate === name);
  if (tier0 >= 0) return lib(TIER0.slice(0, tier0));
  if (name === 'sse') return [];
  if (name === 'env') return TIER0_FOLDERS;
  if (TIER1.some((candidate) => candidate === name)) return [...TIER0_FOLDERS, 'lib/env', 'lib/log'];
  const fixed: Readonly<Record<string, readonly string[]>> = {
    services: [...TIER0_FOLDERS, 'lib/db', 'lib/secrets', 'lib/log', 'lib/archive'],
    auth: [...TIER0_FOLDERS, 'lib/db', 'lib/env', 'lib/log', 'lib/secrets'],
    provision: [...TIER0_FOLDERS, ...TIER1_FOLDERS],
    collect: [...TIER0_FOLDERS, ...TIER1_FOLDERS],
    testing: [...TIER0_FOLDERS, ...TIER1_FOLDERS, 'lib/provision', 'lib/collect', 'lib/auth', 'lib/services'],
  };
  if (fixed[name]) return fixed[name];
  if (['worker', 'supervisor', 'cli', 'bench', 'demo'].includes(name)) {
    const own = ['lib/services', 'lib/provision', 'lib/collect', 'lib/auth', 'lib/worker', 'lib/supervisor'];
    const testing = name === 'bench' || name === 'demo' ? ['lib/testing'] : [];
    const lab = name === 'bench' ? ['e2e'] : [];
    return [...TIER0_FOLDERS, ...TIER1_FOLDERS, ...own, ...testing, ...lab];
  }
  return null;
}

function isAllowed(folder: string, target: string): boolean {
  const allowed = listAllowed(folder);
  if (!allowed) return false;
  return (
    folder === target ||
    allowed.some(
      (entry) => entry === target || (entry.endsWith('/*') && target.startsWith(entry.slice(0, -1))),
    )
  );
}

const show = ({ from, to }: Edge) => `${from} -> ${to}`;

describe('contract 10: the import order', () => {
  it('holds between folders', () => {
    const offending = edges.filter(
      ({ from, to }) => isOurs(to) && !isTest(from) && !isAllowed(toFolder(from), toFolder(to)),
    );
    expect(offending.map(show)).toEqual([]);
  });

  it('keeps tests from reaching above what they test, except to lib/testing', () => {
    const offending = edges.filter(
      ({ from, to }) =>
        isOurs(to) &&
        isTest(from) &&
        TIER0_FOLDERS.includes(toFolder(from)) &&
        !isAllowed(toFolder(from), toFolder(to)) &&
        !TIER0_FOLDERS.includes(toFolder(to)) &&
        toFolder(to) !== 'lib/testing',
    );
    expect(offending.map(show)).toEqual([]);
  });

  it('keeps tier 0 free of Node, process, clock, random and fetch', () => {
    const pure = sources.filter((path) => TIER0_FOLDERS.includes(toFolder(path)) && !isTest(path));
    expect(pure.length).toBeGreaterThan(20);
    const libraries = edges.filter(
      ({ from, to }) =>
        pure.includes(from) &&
        !isOurs(to) &&
        !(TIER0_LIBRARIES[toFolder(from).slice(4)] ?? ['zod']).includes(toPackage(to)),
    );
    expect(libraries.map(show)).toEqual([]);
    const impure =
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|(?<![.\w])process\.(?:env|pid|argv|platform|cwd|exit|hrtime|stdout|stdin|nextTick)\b|\bfetch\(|\bcrypto\.|\bsetTimeout\(/;
    const offending = pure.filter((path) => {
      const code = readFileSync(join(ROOT, path), 'utf8').replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '');
      return impure.test(code.replace(/`(?:[^`\\]|\\.)*`/g, '``'));
    });
    expect(offending).toEqual([]);
  });

  it('has one importing folder per runtime dependency', () => {
    const used = new Map<string, Set<string>>();
    for (const { from, to } of edges) {
      if (isOurs(to) || isBuiltin(to) || isTest(from) || from.startsWith('e2e/')) continue;
      const name = toPackage(to);
      if (SHARED_LIBRARIES.includes(name)) continue;
      used.set(name, (used.get(name) ?? new Set()).add(toFolder(from)));
    }
    const offending = [...used].flatMap(([name, folders]) => {
      const allowed = OWNER_OF[name];
      const foreign = [...folders].filter((folder) =>
        allowed ? !allowed.includes(folder) : folders.size > 1,
      );
      return foreign.length > 0 ? [`${name}: ${[...folders].join(', ')}`] : [];
    });
    expect(offending).toEqual([]);
  });

  it('has no cycles between files', () => {
    const files = new Set(sources.map((path) => path.replace(/\.tsx?$/, '')));
    const graph = new Map<string, string[]>();
    for (const { from, to } of edges) {
      const key = from.replace(/\.tsx?$/, '');
      if (files.has(to)) graph.set(key, [...(graph.get(key) ?? []), to]);
    }
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (node: string, path: readonly string[]): void => {
      if (path.includes(node)) {
        cycles.push([...path.slice(path.indexOf(node)), node].join(' -> '));
        return;
      }
      if (done.has(node)) return;
      for (const next of graph.get(node) ?? []) visit(next, [...path, node]);
      done.add(node);
    };
    for (const node of graph.keys()) visit(node, []);
    expect(cycles).toEqual([]);
  });
});

describe('limits', () => {
  it('has no file over 400 lines and no default export outside routes and configuration', () => {
    const long = sources.filter((path) => readFileSync(join(ROOT, path), 'utf8').split('\n').length > 401);
    expect(long).toEqual([]);
    const route = /^app\/.*\/?(page|layout|loading|error|not-found|global-error|template|default|icon)\.tsx$/;
    const offending = sources.filter(
      (path) =>
        /^export default /m.test(readFileSync(join(ROOT, path), 'utf8')) &&
        !route.test(path) &&
        path !== 'lib/testing/db-setup.ts', // Vitest's globalSetup wants one
    );
    expect(offending).toEqual([]);
  });

  it('has no more inline exceptions than are agreed', () => {
    const count = sources
      .filter((path) => path !== 'lib/architecture.test.ts')
      .flatMap(
        (path) =>
          readFileSync(join(ROOT, path), 'utf8').match(/eslint-disable|@ts-expect-error|@ts-ignore/g) ?? [],
      );
    expect(count.length).toBeLessThanOrEqual(2);
  });

  it('has no top-level folder that the layout does not name', () => {
    const known = ['prisma', 'app', 'lib', 'components', 'public', 'e2e'];
    const hidden = /^\.|^node_modules$|^test-results$/;
    const folders = readdirSync(ROOT).filter(
      (name) => statSync(join(ROOT, name)).isDirectory() && !hidden.test(name),
    );
    expect(folders.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('cites only paths that exist in its documents', () => {
    const missing = ['README.md', 'CONTRIBUTING.md'].flatMap((document) =>
      Array.from(
        readFileSync(join(ROOT, document), 'utf8').matchAll(
          /`((?:lib|app|components|e2e|prisma)\/[\w./[\]()-]*)`/g,
        ),
      )
        .map((match) => match[1] ?? '')
        .filter((path) => !statSync(join(ROOT, path), { throwIfNoEntry: false }))
        .map((path) => `${document}: ${relative('.', path)}`),
    );
    expect(missing).toEqual([]);
  });
});
