import { describe, expect, it } from 'vitest';
import { exampleLayout } from '@/lib/testing/example-layout';
import { findEffectiveValue, findGoDurationMs, toFlag } from './component-args';
import { compareRke2Versions, findRke2Version } from './known-releases';
import type { Rke2Version } from './known-releases';
import { failuresTolerated } from './quorum-rules';

describe('findGoDurationMs', () => {
  it.each([
    ['40s', 40_000],
    ['1m30s', 90_000],
    ['0.5h', 1_800_000],
    ['.5s', 500],
    ['100ms', 100],
    ['0', 0],
  ])('reads %s', (text, ms) => expect(findGoDurationMs(text)).toBe(ms));

  it.each(['', '40', '40 s', 's', '1d', '-', '1s-', '１s'])('refuses %j', (text) =>
    expect(findGoDurationMs(text)).toBeNull(),
  );
});

describe('findEffectiveValue', () => {
  it('takes the last of the document, then the edge timer, then nothing', () => {
    const flag = 'node-monitor-grace-period';
    const valueOf = (relaxedTimers: boolean, own: string[]) =>
      findEffectiveValue(
        exampleLayout({ edge: { relaxedTimers }, rke2: { serverArgs: { kubeControllerManager: own } } }),
        'kubeControllerManager',
        flag,
      );
    expect(valueOf(false, [])).toBeNull();
    expect(valueOf(true, [])).toBe('180s');
    expect(valueOf(true, [`${flag}=60s`, `${flag}=70s`])).toBe('70s');
  });

  it('splits at the first equals sign', () => {
    expect(toFlag('feature-gates=A=true,B=false')).toEqual({
      flag: 'feature-gates',
      value: 'A=true,B=false',
    });
  });
});

describe('RKE2 versions', () => {
  it('sort by Kubernetes version, candidates before releases, then revision', () => {
    const sorted = [
      'v1.34.10+rke2r1',
      'v1.35.7-rc1+rke2r1',
      'v1.35.7-rc2+rke2r1',
      'v1.35.7+rke2r1',
      'v1.35.7+rke2r2',
      'v1.35.10+rke2r1',
      'v1.36.0+rke2r1',
    ];
    const versions = sorted.map((text) => findRke2Version(text) as Rke2Version); // all of them are versions
    expect([...versions].reverse().sort(compareRke2Versions)).toEqual(versions);
  });

  it.each(['v1.35', 'v1.35.7', 'v2.0.0+rke2r1', '1.35.7+rke2r1', 'v1.35.7+k3s1'])(
    'does not read %s',
    (text) => expect(findRke2Version(text)).toBeNull(),
  );
});

describe('failuresTolerated', () => {
  it.each([
    [0, 0],
    [1, 0],
    [2, 0],
    [3, 1],
    [4, 1],
    [5, 2],
    [7, 3],
  ])('of %i servers is %i', (servers, tolerated) => expect(failuresTolerated(servers)).toBe(tolerated));
});
