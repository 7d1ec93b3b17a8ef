import { describe, expect, it } from 'vitest';
import { JobParams } from './job-params';
import { PreflightResult } from './job-view';
import { isFull, mergePreflight } from './merge-preflight';

const words = { title: 't', value: 'v', threshold: 't', why: 'w', fix: '' };
const cell = (nodeId: string, checkId: string, status: string, takenAt = '1') => ({
  nodeId,
  checkId,
  status,
  takenAt,
  ...words,
});
const link = (fromId: string, status: string) => ({
  fromId,
  toId: 'n-9',
  checkId: 'reach-tcp',
  status,
  value: status,
  ports: [],
  takenAt: '1',
});
const failure = { code: 'host-unreachable', message: 'm', nextAction: 'n' };
const result = (more: object) =>
  PreflightResult.parse({ cells: [], unreachable: [], takenAt: '1', revision: 3, ...more });
const full = result({
  cells: [cell('n-1', 'cpus', 'fail'), cell('n-1', 'reach-tcp', 'fail'), cell('n-2', 'cpus', 'ok')],
  links: [link('n-1', 'fail'), link('n-2', 'ok')],
  notes: ['a'],
});
const show = ({ cells }: PreflightResult) =>
  cells.map((one) => `${one.nodeId} ${one.checkId} ${one.status} ${one.takenAt}`);

describe('preflights folded together', () => {
  it('replace the cells of their scope and keep the rest, with their times', () => {
    const scope = { nodeIds: ['n-1'], checkIds: ['cpus'] };
    const merged = mergePreflight(
      full,
      result({ scope, cells: [cell('n-1', 'cpus', 'ok', '2')], takenAt: '2' }),
    );
    expect(show(merged)).toEqual(['n-1 reach-tcp fail 1', 'n-2 cpus ok 1', 'n-1 cpus ok 2']);
    expect(merged.links).toEqual(full.links);
    expect(isFull(merged)).toBe(true);
    expect(merged.takenAt).toBe('2');
  });

  it('replace links by the host that dials', () => {
    const scope = { nodeIds: ['n-1'], checkIds: ['reach-tcp'] };
    const merged = mergePreflight(full, result({ scope, links: [link('n-1', 'ok')] }));
    expect(merged.links.map(({ fromId, status }) => `${fromId} ${status}`)).toEqual(['n-2 ok', 'n-1 ok']);
    expect(show(merged)).toEqual(['n-1 cpus fail 1', 'n-2 cpus ok 1']);
  });

  it('are the newer one alone when that is full, or when there is nothing before it', () => {
    expect(mergePreflight(full, full)).toBe(full);
    const part = result({ scope: { nodeIds: ['n-1'], checkIds: null } });
    expect(mergePreflight(null, part)).toBe(part);
    expect(isFull(part)).toBe(false);
  });

  it('keep what failed when a part could not find it out, and take the answer once there is one', () => {
    const lost = (checkId: string) => ({ ...cell('n-1', checkId, 'warn', '2'), isUnknown: true });
    const scope = { nodeIds: ['n-1'], checkIds: null };
    const part = { scope, cells: [lost('cpus'), lost('reach-tcp')], links: [link('n-1', 'warn')] };
    const merged = mergePreflight(full, result(part));
    expect(show(merged)).toEqual(['n-1 cpus fail 1', 'n-1 reach-tcp fail 1', 'n-2 cpus ok 1']);
    expect(merged.links).toEqual(full.links);
    const answered = mergePreflight(merged, result({ scope, cells: [cell('n-1', 'cpus', 'warn', '3')] }));
    expect(show(answered)).toEqual(['n-2 cpus ok 1', 'n-1 cpus warn 3']);
    const other = { nodeIds: ['n-2'], checkIds: ['cpus'] };
    const wasWell = mergePreflight(
      full,
      result({ scope: other, cells: [{ ...cell('n-2', 'cpus', 'warn', '2'), isUnknown: true }] }),
    );
    expect(show(wasWell)).toContain('n-2 cpus warn 2');
  });

  it('do not take a host for read because one of its checks was', () => {
    const lost = result({ unreachable: [{ nodeId: 'n-1', failure }] });
    const some = { nodeIds: ['n-1'], checkIds: ['cpus'] };
    const part = result({ scope: some, cells: [cell('n-1', 'cpus', 'ok')] });
    expect(mergePreflight(lost, part).unreachable).toHaveLength(1);
    const whole = result({ scope: { nodeIds: ['n-1'], checkIds: null }, cells: [cell('n-1', 'cpus', 'ok')] });
    expect(mergePreflight(lost, whole).unreachable).toEqual([]);
    const again = result({ scope: some, unreachable: [{ nodeId: 'n-1', failure }] });
    expect(mergePreflight(full, again).unreachable).toHaveLength(1);
    expect(mergePreflight(lost, again).unreachable).toHaveLength(1);
  });
});

describe('what was stored before there were parts', () => {
  it('still parses: a job without a filter, a result without links', () => {
    expect(JobParams.parse({ kind: 'preflight', revision: 1 })).toEqual({ kind: 'preflight', revision: 1 });
    const old = { nodeId: 'n-1', checkId: 'cpus', status: 'ok', ...words };
    const parsed = PreflightResult.parse({ cells: [old], unreachable: [], takenAt: '1' });
    expect(parsed).toMatchObject({ revision: 0, links: [], scope: { nodeIds: null, checkIds: null } });
    expect(parsed.cells[0]).toMatchObject({ source: '', isUnknown: false });
  });

  it('takes no empty filter: nothing asked for would look like nothing found', () => {
    for (const more of [{ nodeIds: [] }, { checkIds: [] }])
      expect(JobParams.safeParse({ kind: 'preflight', revision: 1, ...more }).success).toBe(false);
  });
});
