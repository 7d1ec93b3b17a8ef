import { parseArgs } from 'node:util';
import { SOAKS } from './soak/catalogue';

function usage(): string {
  return [
    'npm run soak -- NAME [--count COUNT] [--seed SEED]',
    '',
    ...SOAKS.map(({ name, title }) => `  ${name.padEnd(10)}${title}`),
  ].join('\n');
}

interface Wish {
  readonly name: string | undefined;
  /** Not a whole number where that is what was written; undefined when nothing was. */
  readonly count: number | undefined;
  readonly seed: number | undefined;
}

/** Null for options that nobody knows. */
function readArgs(args: readonly string[]): Wish | null {
  const options = { count: { type: 'string' }, seed: { type: 'string' } } as const;
  const toNumber = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const [name, count] = positionals;
    return { name, count: toNumber(values.count ?? count), seed: toNumber(values.seed) };
  } catch {
    return null;
  }
}

/**
 * `npm run soak -- NAME [COUNT | --count COUNT] [--seed SEED]`; ends with 1 where a promise was broken. SEED repeats the
 * choices of a soak that told one.
 */
export async function main(args: readonly string[]): Promise<void> {
  const wish = readArgs(args);
  const soak = SOAKS.find(({ name }) => name === wish?.name);
  const count = wish?.count ?? soak?.count;
  const seed = wish?.seed;
  const isCount = Number.isInteger(count) && Number(count) >= 1;
  if (!soak || count === undefined || !isCount || (seed !== undefined && !Number.isInteger(seed))) {
    console.error(usage());
    process.exitCode = 2;
    return;
  }
  const say = (line: string) => console.error(line);
  const violations = await soak.run({ count, ...(seed !== undefined && { seed }), say });
  for (const violation of violations) console.log(violation);
  console.log(`${soak.name}: ${count} trials, ${violations.length} violations`);
  if (violations.length > 0) process.exitCode = 1;
}
