import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { Bench, BenchOptions } from './bench';
import { main } from './bench-main';
import { BENCHES } from './catalogue';

const Metric = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_]*$/),
  value: z.number(),
  unit: z.string(),
  goal: z.number(),
  better: z.enum(['higher', 'lower']),
  detail: z.string().optional(),
});
const Report = z.strictObject({
  bench: z.string(),
  metrics: z.array(Metric).min(1),
  host: z.strictObject({ cpu: z.string(), cores: z.int(), memoryGiB: z.int(), node: z.string() }),
});

describe('npm run bench', () => {
  let out: string[];
  let err: string[];
  let asked: BenchOptions[];

  beforeEach(() => {
    out = [];
    err = [];
    asked = [];
    vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line));
    vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line));
  });
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = 0;
  });

  const benchOf = (rest: Partial<Bench> = {}): Bench => ({
    name: 'sample',
    title: 'A sample',
    findMissing: () => null,
    run: (options) => {
      asked.push(options);
      options.say('half way');
      return Promise.resolve([
        { name: 'ratio_vs_peer', value: 2.5, unit: '×', goal: 2, better: 'higher', detail: '2.5 (2 to 3)' },
        { name: 'growth_mib', value: 80, unit: 'MiB', goal: 64, better: 'lower' },
      ]);
    },
    ...rest,
  });

  it('ends with one JSON object of the agreed shape', async () => {
    await main(['sample', '--json'], [benchOf()]);
    const report = Report.parse(JSON.parse(out.at(-1) ?? ''));
    expect(report.bench).toBe('sample');
    expect(report.metrics.map(({ name, value, goal }) => [name, value, goal])).toEqual([
      ['ratio_vs_peer', 2.5, 2],
      ['growth_mib', 80, 64],
    ]);
  });

  it('says in words which goals are met and which are missed, and keeps progress off standard output', async () => {
    await main(['sample'], [benchOf()]);
    expect(out).toEqual([
      'met    ratio_vs_peer 2.5 × (goal ≥ 2): 2.5 (2 to 3)',
      'missed growth_mib 80 MiB (goal ≤ 64)',
    ]);
    expect(err).toEqual(['half way']);
    expect(process.exitCode ?? 0).toBe(0);
  });

  it('measures five pairs, or what the bench wants, or what it is told', async () => {
    await main(['sample'], [benchOf()]);
    await main(['sample'], [benchOf({ pairs: 3 })]);
    await main(['sample', '--pairs', '7'], [benchOf({ pairs: 3 })]);
    expect(asked.map(({ pairs }) => pairs)).toEqual([5, 3, 7]);
  });

  it('says what it lacks, and ends with 1', async () => {
    await main(['sample', '--json'], [benchOf({ findMissing: () => 'peerd is not there' })]);
    expect(process.exitCode).toBe(1);
    expect(err).toEqual(['sample cannot run here: peerd is not there']);
    expect([out, asked]).toEqual([[], []]);
  });

  it.each([[[]], [['nonsense']], [['sample', '--pairs', '0']], [['sample', '--pairs', 'many']]])(
    'lists what there is when called with %j, and ends with 2',
    async (args) => {
      await main(args, [benchOf()]);
      expect(process.exitCode).toBe(2);
      expect(err.join('\n')).toContain('sample      A sample');
      expect(asked).toEqual([]);
    },
  );

  it('knows each bench by one name', () => {
    const names = BENCHES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(['provision', 'upload', 'flood']));
  });
});
