import { describe, expect, it } from 'vitest';
import { STEP_KINDS } from '@/lib/steps/catalogue';
import { listValueNames, STEP_PARAMS } from './step-params';

describe('the parameters that hostile values go through', () => {
  it('are there for every kind of the catalogue, and its schema takes them', () => {
    expect(Object.keys(STEP_PARAMS).sort()).toEqual(Object.keys(STEP_KINDS).sort());
    for (const [name, kind] of Object.entries(STEP_KINDS)) {
      expect(kind.kind).toBe(name);
      expect(() => listValueNames(kind), name).not.toThrow();
    }
    expect(Object.values(STEP_KINDS).flatMap(listValueNames).length).toBeGreaterThan(50);
  });
});
