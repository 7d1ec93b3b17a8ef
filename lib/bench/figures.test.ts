import { describe, expect, it } from 'vitest';
import { readCommandCpuMs, readTreeCpuMs } from './cpu-time';
import { findMissingProgram, parseTimesLine } from './measured-command';
import { toMedian, toPercentile, toRangeText, toRounded } from './statistics';

describe('figures', () => {
  it('takes the middle, also of an even count, and percentiles between neighbours', () => {
    expect(toMedian([9, 1, 5])).toBe(5);
    expect(toMedian([4, 1, 3, 2])).toBe(2.5);
    expect(toPercentile([10, 20, 30, 40, 50], 95)).toBeCloseTo(48);
    expect(() => toMedian([])).toThrow('no values');
  });

  it('prints a median with its range', () => {
    expect(toRangeText([1.2345, 3, 2], ' s')).toBe('2 s (1.23 to 3)');
    expect(toRounded(123_456)).toBe(123_000);
  });

  it('reads what a shell says of its children', () => {
    expect(parseTimesLine('1m2.500000s 0m0.250000s')).toBe(62_750);
    expect(parseTimesLine('0m0.01s 0m0.00s')).toBe(10);
    expect(() => parseTimesLine('real 1.0')).toThrow('not a line of times');
  });

  it('names the program that is missing', () => {
    expect(findMissingProgram([['sh', '-c', 'exit 3']])).toBeNull();
    expect(findMissingProgram([['sh', '-c', ':'], ['siteplan-no-such-program']])).toBe(
      'siteplan-no-such-program',
    );
  });
});

describe.skipIf(process.platform !== 'linux')('CPU time', () => {
  it('of this process grows with what it does', async () => {
    const beforeMs = await readTreeCpuMs(process.pid);
    const own = process.cpuUsage();
    let sum = 0;
    while (process.cpuUsage(own).user < 150_000) sum += Math.sqrt(sum + 1);
    expect((await readTreeCpuMs(process.pid)) - beforeMs).toBeGreaterThanOrEqual(100);
  });

  it('of a command that nobody runs is none', async () => {
    expect(await readCommandCpuMs('siteplan-no-such-program')).toBe(0);
  });
});
