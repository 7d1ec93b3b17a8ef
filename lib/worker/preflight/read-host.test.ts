import { describe, expect, it } from 'vitest';
import { parseDiskSpeed } from './read-host';

describe('how fast the disk was', () => {
  it.each([
    ['sync 1000 7100 20000\n', { writes: 1_000, p99Ms: 7.1, maxMs: 20, isUpperBound: false }],
    ['bound 40 12000 30000\n', { writes: 40, p99Ms: 12, maxMs: 30, isUpperBound: true }],
    ['no-room\n', { unknown: 'no room for the few MB that it writes' }],
    ['no-means\n', { unknown: 'no program to measure with' }],
    ['sync 0 0 0\n', { unknown: 'the measurement did not end well' }],
    ['sync 1000 7100\n', { unknown: 'the measurement did not end well' }],
    ['\u202esync 9 9 9\n', { unknown: 'the measurement did not end well' }],
    ['', { unknown: 'the measurement did not end well' }],
  ])('is read from %j', (text, speed) => {
    expect(parseDiskSpeed(text)).toEqual(speed);
  });
});
