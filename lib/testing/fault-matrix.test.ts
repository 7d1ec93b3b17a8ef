import { describe, expect, it } from 'vitest';
import { FailureCode } from '@/lib/core/failure';
import { FAKE_FAULTS, NOT_PROVOKED, WORKER_FAULTS } from './fake-faults';
import type { FaultRow } from './fault-row';
import { LAB_FAULTS } from './lab-faults';

const rows: readonly FaultRow[] = [...LAB_FAULTS, ...FAKE_FAULTS, ...WORKER_FAULTS];

describe('the fault matrix (I11)', () => {
  it('provokes every cause that there is, or says why not', () => {
    const provoked = new Set(rows.map(({ code }) => code));
    const missing = FailureCode.options.filter((code) => !provoked.has(code) && !NOT_PROVOKED[code]);
    expect(missing).toEqual([]);
    expect(Object.keys(NOT_PROVOKED).filter((code) => provoked.has(FailureCode.parse(code)))).toEqual([]);
  });

  it('has each fault once, with a bound', () => {
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
    expect(rows.filter(({ boundS }) => !(boundS > 0 && boundS <= 60))).toEqual([]);
  });
});
