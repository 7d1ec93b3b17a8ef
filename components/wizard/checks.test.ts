import { describe, expect, it } from 'vitest';
import type { CheckCell, LinkCell } from '@/lib/run/job-view';
import type { CheckOverrideView } from '@/lib/run/preflight-view';
import {
  findOverride,
  findPastOverride,
  isInScope,
  toCheckGroups,
  toCheckSummary,
  toLinkPairs,
  toMarkName,
  toNodeMarks,
} from './checks';

function cell(
  nodeId: string,
  checkId: string,
  status: CheckCell['status'],
  more: Partial<CheckCell> = {},
): CheckCell {
  return {
    ...{ nodeId, checkId, status, title: checkId, group: 'machine', value: '', threshold: '', why: '' },
    ...{ fix: '', source: '', isUnknown: false, takenAt: '', valueHash: '' },
    ...more,
  };
}
const cells = [
  cell('a', 'arch', 'ok'),
  cell('a', 'reach-tcp', 'ok', { group: 'links' }),
  cell('a', 'memory', 'warn'),
  cell('b', 'arch', 'ok'),
  cell('b', 'memory', 'fail', { value: '1 GiB' }),
];

function override(state: CheckOverrideView['state'], value = '1 GiB'): CheckOverrideView {
  return {
    ...{ id: 'o', nodeId: 'b', checkId: 'memory', title: 'memory', value, reason: '', state },
    ...{ createdAt: '', createdBy: 'ann', runId: null, valueHash: null },
  };
}

describe('toCheckGroups', () => {
  it('groups rows in the order of groups and checks, with the worst of each', () => {
    const groups = toCheckGroups(cells);
    expect(groups.map(({ key, rows }) => [key, rows.map((row) => [row.checkId, row.worst])])).toEqual([
      [
        'machine',
        [
          ['arch', 'ok'],
          ['memory', 'fail'],
        ],
      ],
      ['links', [['reach-tcp', 'ok']]],
    ]);
    expect(groups[0]?.rows[1]?.cells.get('b')?.status).toBe('fail');
  });

  it('leaves out rows that are all ok, and groups without rows', () => {
    expect(toCheckGroups(cells, true).map(({ rows }) => rows.map(({ checkId }) => checkId))).toEqual([
      ['memory'],
    ]);
  });
});

describe('toNodeMarks', () => {
  const failure = { code: 'host-unreachable', message: '', nextAction: '' } as const;

  it('shows each node by its worst check', () => {
    const marks = toNodeMarks({ cells, unreachable: [] }, ['a', 'b']);
    expect(marks.get('a')?.word).toBe('1 warn');
    expect(marks.get('b')).toMatchObject({ ink: 'down', word: '1 of 2 fail' });
  });

  it('shows what could not be found out as unknown, not as a warning', () => {
    const unknown = cell('c', 'reach-tcp', 'warn', { group: 'links', isUnknown: true });
    const marksOf = (...own: CheckCell[]) => toNodeMarks({ cells: own, unreachable: [] }, ['c']).get('c');
    expect(marksOf(unknown, cell('c', 'arch', 'ok'))).toMatchObject({
      shape: 'dashed-ring',
      word: '1 unknown',
    });
    expect(marksOf(unknown, cell('c', 'memory', 'warn'))?.word).toBe('1 warn');
  });

  it('never shows a node well that was not reached', () => {
    const marks = toNodeMarks({ cells, unreachable: [{ nodeId: 'a', failure }] }, ['a']);
    expect(marks.get('a')).toMatchObject({ ink: 'down', word: 'not reached' });
  });
});

it('sums up in words, what is not known apart from what is', () => {
  expect(toCheckSummary({ cells, unreachable: [] })).toBe('3 ok, 1 warn, 1 fail');
  const unknown = cell('a', 'clock', 'warn', { isUnknown: true });
  expect(toMarkName(unknown)).toBe('unknown');
  expect(toCheckSummary({ cells: [...cells, unknown], unreachable: [] }, [override('active')])).toBe(
    '3 ok, 1 warn, 1 unknown, 1 fail, 1 overridden',
  );
});

describe('an override', () => {
  const red = cell('b', 'memory', 'fail', { value: '1 GiB' });

  it('counts while it is active and about what was found', () => {
    expect(findOverride(red, [override('active')])?.id).toBe('o');
    for (const past of [override('used'), override('lapsed'), override('revoked'), override('active', '2')])
      expect(findOverride(red, [past])).toBeNull();
    expect(findOverride({ ...red, status: 'ok' }, [override('active')])).toBeNull();
  });

  it('is told of when it no longer counts, unless another does', () => {
    expect(findPastOverride(red, [override('lapsed')])?.state).toBe('lapsed');
    expect(findPastOverride(red, [override('active'), override('lapsed')])).toBeNull();
    expect(findPastOverride(red, [override('revoked')])).toBeNull();
  });
});

it('knows which cells a preflight looks at', () => {
  const memory = { nodeId: 'b', checkId: 'memory' };
  expect(isInScope({ nodeIds: null, checkIds: null }, memory)).toBe(true);
  expect(isInScope({ nodeIds: ['b'], checkIds: ['memory'] }, memory)).toBe(true);
  expect(isInScope({ nodeIds: ['a'], checkIds: null }, memory)).toBe(false);
  expect(isInScope({ nodeIds: null, checkIds: ['arch'] }, memory)).toBe(false);
});

describe('toLinkPairs', () => {
  const link = (toId: string, checkId: LinkCell['checkId'], status: LinkCell['status']): LinkCell => ({
    fromId: 'a',
    toId,
    checkId,
    status,
    value: status === 'ok' ? 'all open' : 'tcp 9345 blocked',
    ports: ['open', 'in-use', status === 'ok' ? 'open' : 'blocked'].map((state, index) => ({
      ruleId: `rule ${index}`,
      protocol: 'tcp',
      port: index,
      state: state as LinkCell['ports'][number]['state'], // one of three of its words
      need: 'required',
    })),
    takenAt: '',
  });

  it('shows a pair by its worst link, and counts what is reached where all is well', () => {
    const pairs = toLinkPairs([
      link('b', 'reach-ping', 'ok'),
      link('b', 'reach-tcp', 'fail'),
      link('c', 'reach-tcp', 'ok'),
    ]);
    expect(pairs.get('a b')).toMatchObject({ worst: 'fail', words: 'tcp 9345 blocked' });
    expect(pairs.get('a b')?.links.map(({ checkId }) => checkId)).toEqual(['reach-tcp', 'reach-ping']);
    expect(pairs.get('a c')).toMatchObject({ worst: 'ok', words: '3 open' });
    expect(pairs.get('b a')).toBeUndefined();
  });

  it('shows a pair as unknown where each port is reached or unknown, behind a warning where one is bad', () => {
    const warned = link('b', 'reach-tcp', 'warn');
    const states = (...all: LinkCell['ports'][number]['state'][]): LinkCell => ({
      ...warned,
      ports: all.map((state) => ({ ruleId: state, protocol: 'tcp', port: 1, state, need: 'full' })),
    });
    const worstOf = (...links: LinkCell[]) => toLinkPairs(links).get('a b')?.worst;
    const unknown = { ...states('unknown', 'open', 'in-use'), checkId: 'reach-ping' as const };
    expect(worstOf(unknown, link('b', 'reach-udp', 'ok'))).toBe('unknown');
    expect(worstOf(states('unknown', 'too-big'))).toBe('warn');
    const both = toLinkPairs([unknown, warned]).get('a b');
    expect(both?.worst).toBe('warn');
    expect(both?.links.map(({ checkId }) => checkId)).toEqual(['reach-tcp', 'reach-ping']);
  });
});
