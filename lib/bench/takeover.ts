import type { Bench } from './bench';
import { runKills } from './soak/kills';

const TTL_MS = 10_000;
const LANES = 6;
/** With the usual five pairs as many kills as reliability A2 (I3) asks for. */
const KILLS_PER_PAIR = 40;

/** How long a run stands still when its worker is killed and two others race for it. */
export const takeover: Bench = {
  name: 'takeover',
  title: 'kill -9 of workers, two race for each run: violations, time to the next claim',
  findMissing: () => null,
  run: async ({ pairs, say }) => {
    const options = { ttlMs: TTL_MS, lanes: LANES, slackMs: 0 };
    const result = await runKills(options, { count: pairs * KILLS_PER_PAIR, say });
    const { takeoversMs, violations, p50Ms, p99Ms } = result;
    for (const violation of violations) say(violation);
    const [least = 0, most = 0] = [Math.min(...takeoversMs), Math.max(...takeoversMs)].map(Math.round);
    const range = `${takeoversMs.length} take-overs in ${pairs * KILLS_PER_PAIR} kills, ${least} to ${most} ms`;
    const bound = 'bounded by the lease of 10 s and the poll of 1 s';
    return [
      { name: 'violations', value: violations.length, unit: '', goal: 0, better: 'lower', detail: range },
      { name: 'p99_ms', value: Math.round(p99Ms), unit: 'ms', goal: 12_000, better: 'lower', detail: bound },
      { name: 'p50_ms', value: Math.round(p50Ms), unit: 'ms', goal: 12_000, better: 'lower', detail: bound },
    ];
  },
};
