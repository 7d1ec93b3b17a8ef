import { describe, expect, it } from 'vitest';
import { checkLeaderElection, parseComponentFlags, parseGoDuration } from './component-flags';

describe('parseComponentFlags', () => {
  it('reads flags with and without a value', () => {
    const flags = parseComponentFlags('kube-apiserver', [
      '--secure-port=6443',
      '--profiling',
      '--feature-gates=A=true',
    ]);
    expect([...flags]).toEqual([
      ['secure-port', '6443'],
      ['profiling', 'true'],
      ['feature-gates', 'A=true'],
    ]);
  });

  it('refuses what the component does not know, such as a flag that was removed', () => {
    expect(() => parseComponentFlags('kube-controller-manager', ['--pod-eviction-timeout=30s'])).toThrow(
      'unknown flag: --pod-eviction-timeout',
    );
    expect(() => parseComponentFlags('kube-scheduler', ['--secure-port=1'])).toThrow(
      'unknown flag: --secure-port',
    );
  });
});

describe('parseGoDuration', () => {
  it.each([
    ['180s', 180_000],
    ['1m30s', 90_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
  ])('reads %s', (text, expected) => {
    expect(parseGoDuration(text)).toBe(expected);
  });
  it.each(['', '180', 's', '1 m', '3d'])('refuses %j', (text) => {
    expect(() => parseGoDuration(text)).toThrow('invalid duration');
  });
});

describe('checkLeaderElection', () => {
  const check = (lease: string, renew: string, retry: string) =>
    checkLeaderElection(
      new Map([
        ['leader-elect-lease-duration', lease],
        ['leader-elect-renew-deadline', renew],
        ['leader-elect-retry-period', retry],
      ]),
    );

  it('accepts the defaults and the edge values', () => {
    expect(() => checkLeaderElection(new Map())).not.toThrow();
    expect(() => check('60s', '40s', '5s')).not.toThrow();
  });

  it('refuses times that do not fit', () => {
    expect(() => check('40s', '40s', '5s')).toThrow('leaseDuration must be greater than renewDeadline');
    expect(() => check('60s', '6s', '5s')).toThrow('renewDeadline must be greater');
  });
});
