import os from 'node:os';
import type { Bench } from './bench';
import { BENCHES } from './catalogue';

const PAIRS = 5;

function toUsage(benches: readonly Bench[]): string {
  const names = benches.map(({ name, title }) => `  ${name.padEnd(12)}${title}`);
  return ['npm run bench -- NAME [--pairs N] [--json]', '', ...names].join('\n');
}

/**
 * `npm run bench -- NAME [--pairs N] [--json]`: with `--json` the last line of standard output is one object. A missed
 * goal is a figure, not a failure; what the bench lacks to run here ends with 1, a wrong call with 2.
 */
export async function main(args: readonly string[], benches: readonly Bench[] = BENCHES): Promise<void> {
  const bench = benches.find(({ name }) => name === args[0]);
  const pairsAt = args.indexOf('--pairs');
  const pairs = pairsAt < 0 ? (bench?.pairs ?? PAIRS) : Number(args[pairsAt + 1]);
  if (!bench || !Number.isInteger(pairs) || pairs < 1) {
    console.error(toUsage(benches));
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
