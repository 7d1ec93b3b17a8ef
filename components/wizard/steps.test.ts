import { describe, expect, it } from 'vitest';
import { toNeighbour, whyClosed } from './steps';

const ready = { hasName: true, nodes: 1, isBuildable: true, problems: 0, unapprovedKeys: 0 };

describe('whyClosed', () => {
  it('opens every step of a complete form', () => {
    for (const step of ['shape', 'hosts', 'network', 'checks', 'plan'] as const)
      expect(whyClosed(step, ready)).toBeNull();
  });

  it('says what is missing, the earliest first', () => {
    expect(whyClosed('hosts', { ...ready, hasName: false })).toContain('name');
    expect(whyClosed('plan', { ...ready, hasName: false, nodes: 0 })).toContain('name');
    expect(whyClosed('network', { ...ready, nodes: 0 })).toContain('host');
    expect(whyClosed('checks', { ...ready, isBuildable: false, problems: 2 })).toContain('2 problems');
    expect(whyClosed('checks', { ...ready, unapprovedKeys: 1 })).toContain('host keys');
  });

  it('never closes the first step', () => {
    expect(whyClosed('shape', { ...ready, hasName: false, nodes: 0, isBuildable: false })).toBeNull();
  });
});

it('knows the neighbours of a step', () => {
  expect(toNeighbour('shape', -1)).toBeNull();
  expect(toNeighbour('shape', 1)).toBe('hosts');
  expect(toNeighbour('plan', 1)).toBeNull();
});
