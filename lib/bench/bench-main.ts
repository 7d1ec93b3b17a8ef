import os from 'node:os';
import { BENCHES } from './catalogue';

const PAIRS = 5;

function usage(): string {
  const names = BENCHES.map(({ name, title }) => `  ${name.padEnd(12)}${title}`);
  return ['npm run bench -- NAME [--pairs N] [--json]', '', ...names].join('\n');
}

/** `npm run bench -- NAME [--pairs N] [--json]`: with `--json` the last line of standard output is one object. */
export async function main(args: readonly string[]): Promise<void> {
  const bench = BENCHES.find(({ name }) => name === args[0]);
  const pairsAt = args.indexOf('--pairs');
  const pairs = pairsAt < 0 ? PAIRS : Number(args[pairsAt + 1]);
  if (!bench || !Number.isInteger(pairs) || pairs < 1) {
    console.error(usage());
    process.exitCode = 2;
    return;
  }
  const missing = bench.findMissing();
  if (missing !== null) {
    console.error(`${bench.name} cannot run here: ${missing}`);
    process.exitCode = 1;
    return;
  }
  const metrics = await bench.run({ pairs, say: (line) => console.error(line) });
  for (const { name, value, unit, goal, better, detail } of metrics) {
    const isMet = better === 'higher' ? value >= goal : value <= goal;
    const sign = better === 'higher' ? '≥' : '≤';
    console.log(
      `${isMet ? 'met   ' : 'missed'} ${name} ${value} ${unit} (goal ${sign} ${goal})${detail ? `: ${detail}` : ''}`,
    );
  }
  if (!args.includes('--json')) return;
  const host = {
    cpu: os.cpus()[0]?.model,
    cores: os.cpus().length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    node: process.version,
  };
  console.log(JSON.stringify({ bench: bench.name, metrics, host }));
}
