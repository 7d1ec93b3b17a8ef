import { describe, expect, it } from 'vitest';
import { matchesFields, matchesLabels, mergePatch } from './api-object';
import { formatAge } from './api-table';

const node = { metadata: { name: 'n1', labels: { a: '1', b: '' } }, spec: { nodeName: 'n1' } };

describe('mergePatch', () => {
  it('merges objects, replaces lists and removes what is null', () => {
    const target = { spec: { unschedulable: true, podCIDRs: ['x'] }, kept: 1 };
    const patch = { spec: { unschedulable: null, podCIDRs: ['y'] } };
    expect(mergePatch(target, patch, false)).toEqual({ spec: { podCIDRs: ['y'] }, kept: 1 });
  });

  it('joins conditions by type in a strategic patch only', () => {
    const target = {
      conditions: [
        { type: 'Ready', status: 'True', reason: 'r' },
        { type: 'Disk', status: 'False' },
      ],
    };
    const patch = { conditions: [{ type: 'Ready', status: 'Unknown' }] };
    expect(mergePatch(target, patch, true)).toEqual({
      conditions: [
        { type: 'Ready', status: 'Unknown', reason: 'r' },
        { type: 'Disk', status: 'False' },
      ],
    });
    expect(mergePatch(target, patch, false)).toEqual(patch);
  });

  it('obeys $patch: delete where a list has a key', () => {
    const target = { containers: [{ name: 'a' }, { name: 'b' }] };
    const merged = mergePatch(target, { containers: [{ name: 'a', $patch: 'delete' }] }, true);
    expect(merged).toEqual({ containers: [{ name: 'b' }] });
  });

  it('replaces taints, of which kubectl sends all that stay: two may have the same key', () => {
    const [a, b] = [
      { key: 'a', effect: 'NoSchedule' },
      { key: 'a', effect: 'NoExecute' },
    ];
    expect(mergePatch({ taints: [a, b] }, { taints: [b] }, true)).toEqual({ taints: [b] });
  });
});

describe('selectors', () => {
  it.each([
    ['a=1', true],
    ['a==1', true],
    ['a=2', false],
    ['a!=1', false],
    ['c!=1', true],
    ['b', true],
    ['!b', false],
    ['c', false],
    ['!c', true],
    ['a=1,b', true],
    ['a=1,c', false],
  ])('labels: %s is %s', (selector, expected) => expect(matchesLabels(node, selector)).toBe(expected));
  it.each([
    ['metadata.name=n1', true],
    ['metadata.name=n2', false],
    ['spec.nodeName=n1,metadata.name=n1', true],
    ['spec.none=x', false],
  ])('fields: %s is %s', (selector, expected) => expect(matchesFields(node, selector)).toBe(expected));
});

describe('formatAge', () => {
  const now = Date.parse('2026-01-10T00:00:00Z');
  it.each([
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [330, '5m30s'],
    [660, '11m'],
    [10_800, '3h'],
    [172_800, '2d'],
  ])('%d s is %s', (seconds, text) => {
    expect(formatAge(new Date(now - seconds * 1_000).toISOString(), now)).toBe(text);
  });
});
