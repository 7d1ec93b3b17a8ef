import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckCell, PreflightResult } from './job-view';
import { isFull, mergePreflight } from './merge-preflight';
import {
  CHECKS_MAX_AGE_MS,
  findStaleChecks,
  listBlockers,
  toBlockerFields,
  toRefusal,
} from './preflight-gate';
import type { CheckOverrideView } from './preflight-view';

const ALL = { nodeIds: null, checkIds: null };

function cell(nodeId: string, checkId: string, status: CheckCell['status'], value = 'x'): CheckCell {
  return {
    ...{ nodeId, checkId, status, value, title: checkId, group: 'machine', threshold: 'y', why: '' },
    ...{ fix: '', source: '', isUnknown: false, takenAt: '', valueHash: 'h' },
  };
}
function preflight(cells: CheckCell[], more: Partial<PreflightResult> = {}): PreflightResult {
  return { revision: 1, scope: ALL, cells, links: [], unreachable: [], notes: [], takenAt: '', ...more };
}
const failure = { code: 'host-unreachable', message: 'away', nextAction: '' } as const;
const away = (nodeId: string) => ({ nodeId, failure });
const idsOf = ({ cells }: PreflightResult) =>
  cells.map(({ nodeId, checkId }) => `${nodeId} ${checkId}`).sort();

describe('mergePreflight', () => {
  const base = preflight([
    cell('a', 'x', 'fail'),
    cell('a', 'y', 'ok'),
    cell('b', 'x', 'ok'),
    cell('b', 'y', 'ok'),
  ]);

  it('replaces what is in the scope, by nothing too, and leaves all else as it was', () => {
    const next = preflight([cell('a', 'x', 'ok', 'new')], { scope: { nodeIds: ['a'], checkIds: ['x'] } });
    const merged = mergePreflight(base, next);
    expect(idsOf(merged)).toEqual(idsOf(base));
    const again = merged.cells.find(({ nodeId, checkId }) => nodeId === 'a' && checkId === 'x');
    expect(again).toMatchObject({ status: 'ok', value: 'new' });
    expect(isFull(merged)).toBe(true);
    const gone = mergePreflight(base, preflight([], { scope: { nodeIds: ['a'], checkIds: null } }));
    expect(idsOf(gone)).toEqual(['b x', 'b y']);
  });

  it('takes links by their host and check', () => {
    const link = (value: string) => ({
      ...{ fromId: 'a', toId: 'b', checkId: 'reach-tcp' as const, status: 'ok' as const, value },
      ...{ ports: [], takenAt: '' },
    });
    const other = { ...link('kept'), fromId: 'b', toId: 'a' };
    const before = preflight([], { links: [link('old'), other] });
    const scope = { nodeIds: ['a'], checkIds: ['reach-tcp'] };
    const { links } = mergePreflight(before, preflight([], { scope, links: [link('new')] }));
    expect(links.map(({ value }) => value).sort()).toEqual(['kept', 'new']);
  });

  it('keeps a host unreached until all of its checks were run', () => {
    const before = preflight([], { unreachable: [away('a')] });
    const one = { nodeIds: ['a'], checkIds: ['x'] };
    expect(
      mergePreflight(before, preflight([cell('a', 'x', 'ok')], { scope: one })).unreachable,
    ).toHaveLength(1);
    expect(
      mergePreflight(before, preflight([], { scope: one, unreachable: [away('a')] })).unreachable,
    ).toHaveLength(1);
    const whole = { nodeIds: ['a'], checkIds: null };
    expect(mergePreflight(before, preflight([cell('a', 'x', 'ok')], { scope: whole })).unreachable).toEqual(
      [],
    );
  });

  it('holds every cell once, the newest, whatever is run again in whatever order', () => {
    const nodes = ['a', 'b', 'c'];
    const checks = ['x', 'y', 'z'];
    const some = (ids: string[]) => fc.option(fc.subarray(ids, { minLength: 1 }), { nil: null });
    const scopes = fc.array(fc.record({ nodeIds: some(nodes), checkIds: some(checks) }), { maxLength: 8 });
    fc.assert(
      fc.property(scopes, (asked) => {
        const cellsOf = (scope: PreflightResult['scope'], value: string) =>
          (scope.nodeIds ?? nodes).flatMap((node) =>
            (scope.checkIds ?? checks).map((check) => cell(node, check, 'ok', value)),
          );
        const expected = new Map(
          cellsOf(ALL, 'first').map((each) => [`${each.nodeId} ${each.checkId}`, 'first']),
        );
        let merged = preflight(cellsOf(ALL, 'first'));
        asked.forEach((scope, index) => {
          for (const each of cellsOf(scope, `${index}`))
            expected.set(`${each.nodeId} ${each.checkId}`, `${index}`);
          merged = mergePreflight(merged, preflight(cellsOf(scope, `${index}`), { scope }));
        });
        expect(merged.cells.length).toBe(9);
        const found = new Map(merged.cells.map((each) => [`${each.nodeId} ${each.checkId}`, each.value]));
        expect(found).toEqual(expected);
        expect(idsOf(merged)).toEqual([...expected.keys()].sort());
      }),
    );
  });
});

describe('findStaleChecks', () => {
  const checked = {
    result: preflight([]),
    askedAtMs: 1_000,
    revision: 1,
    lastRunEndedAtMs: null,
    nowMs: 2_000,
  };

  it('is content with checks of this revision, after the last run, of today', () => {
    expect(findStaleChecks(checked)).toBeNull();
    expect(findStaleChecks({ ...checked, lastRunEndedAtMs: 999 })).toBeNull();
    expect(findStaleChecks({ ...checked, nowMs: 1_000 + CHECKS_MAX_AGE_MS })).toBeNull();
  });

  it('says in words what came since', () => {
    expect(findStaleChecks({ ...checked, revision: 2 })).toMatch(/revision 2.*revision 1/);
    expect(findStaleChecks({ ...checked, lastRunEndedAtMs: 1_001 })).toMatch(/run has changed/);
    expect(findStaleChecks({ ...checked, nowMs: 1_001 + CHECKS_MAX_AGE_MS })).toMatch(/older than 1 d/);
  });
});

describe('listBlockers', () => {
  const nodes = [
    { id: 'a', name: 's1' },
    { id: 'b', name: 's2' },
  ];
  const override = (more: Partial<CheckOverrideView> = {}) => ({
    ...{ nodeId: 'a', checkId: 'x', value: 'x', valueHash: 'h', state: 'active' as const },
    ...more,
  });

  it('finds red cells and unreached hosts of the nodes that there are, in their order', () => {
    const result = preflight(
      [cell('b', 'x', 'fail'), cell('a', 'x', 'fail'), cell('a', 'y', 'warn'), cell('c', 'x', 'fail')],
      {
        unreachable: [away('a'), away('c')],
      },
    );
    const found = listBlockers(result, [], nodes);
    expect(found.map(({ nodeName, checkId }) => [nodeName, checkId])).toEqual([
      ['s1', null],
      ['s1', 'x'],
      ['s2', 'x'],
    ]);
    expect(Object.keys(toBlockerFields(found))).toEqual(['s1 / reached', 's1 / x', 's2 / x']);
    expect(toRefusal(found)).toMatch(
      /^3 failing checks stand in the way: s1 was not reached, x on s1, x on s2\./,
    );
    expect(toRefusal([])).toBeNull();
  });

  it('lets pass what an active override is about, and nothing else', () => {
    const result = preflight([cell('a', 'x', 'fail')]);
    expect(listBlockers(result, [override()], nodes)).toEqual([]);
    const others = [
      override({ state: 'used' }),
      override({ state: 'lapsed' }),
      override({ state: 'revoked' }),
      override({ nodeId: 'b' }),
      override({ checkId: 'y' }),
      override({ value: 'z' }),
      override({ valueHash: 'other' }),
    ];
    // From before hashes were kept.
    expect(listBlockers(result, [override({ valueHash: null })], nodes)).toEqual([]);
    for (const other of others) expect(listBlockers(result, [other], nodes)).toHaveLength(1);
  });
});
