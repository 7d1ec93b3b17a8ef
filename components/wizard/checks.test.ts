import { describe, expect, it } from 'vitest';
import type { CheckCell } from '@/lib/run/job-view';
import { toCheckRows, toCheckSummary, toNodeMarks } from './checks';

function cell(nodeId: string, checkId: string, status: CheckCell['status']): CheckCell {
  return { nodeId, checkId, status, title: checkId, value: '', threshold: '', why: '', fix: '' };
}
const cells = [
  cell('a', 'arch', 'ok'),
  cell('a', 'memory', 'warn'),
  cell('b', 'arch', 'ok'),
  cell('b', 'memory', 'fail'),
];

describe('toCheckRows', () => {
  it('groups by check, the worst row first', () => {
    const rows = toCheckRows(cells);
    expect(rows.map((row) => [row.checkId, row.worst])).toEqual([
      ['memory', 'fail'],
      ['arch', 'ok'],
    ]);
    expect(rows[0]?.cells.get('b')?.status).toBe('fail');
  });
});

describe('toNodeMarks', () => {
  const failure = { code: 'host-unreachable', message: '', nextAction: '' } as const;

  it('shows each node by its worst check', () => {
    const marks = toNodeMarks({ cells, unreachable: [], takenAt: '' }, ['a', 'b']);
    expect(marks.get('a')?.word).toBe('1 warn');
    expect(marks.get('b')).toMatchObject({ ink: 'down', word: '1 of 2 fail' });
  });

  it('never shows a node well that was not reached', () => {
    const marks = toNodeMarks({ cells, unreachable: [{ nodeId: 'a', failure }], takenAt: '' }, ['a']);
    expect(marks.get('a')).toMatchObject({ ink: 'down', word: 'not reached' });
  });
});

it('sums up in words', () => {
  expect(toCheckSummary({ cells, unreachable: [], takenAt: '' })).toBe('2 ok, 1 warn, 1 fail');
});
