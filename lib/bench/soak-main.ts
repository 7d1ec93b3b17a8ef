import { SOAKS } from './soak/catalogue';

function usage(): string {
  return [
    'npm run soak -- NAME [COUNT]',
    '',
    ...SOAKS.map(({ name, title }) => `  ${name.padEnd(10)}${title}`),
  ].join('\n');
}

/** `npm run soak -- kills|stale|postgres|links|reboot|flood|cancel [COUNT]`; ends with 1 where a promise was broken. */
export async function main(args: readonly string[]): Promise<void> {
  const soak = SOAKS.find(({ name }) => name === args[0]);
  const count = args[1] === undefined ? soak?.count : Number(args[1]);
  if (!soak || count === undefined || !Number.isInteger(count) || count < 1) {
    console.error(usage());
    process.exitCode = 2;
    return;
  }
  const violations = await soak.run({ count, say: (line) => console.error(line) });
  for (const violation of violations) console.log(violation);
  console.log(`${soak.name}: ${count} trials, ${violations.length} violations`);
  if (violations.length > 0) process.exitCode = 1;
}
