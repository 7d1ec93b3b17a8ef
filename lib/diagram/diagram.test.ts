import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Drawing, DrawnNode } from './drawing';
import { toMonoWidth } from './display-list';
import { layOut, PLATE_SIZES } from './layout';
import type { Box } from './layout';
import { toOrthogonalPath } from './lines';
import { toPlate } from './plate';
import { toDisplayList } from './to-display-list';
import { toSvg } from './to-svg';

const titleBlock = {
  site: 'x',
  pattern: 'custom',
  revision: '1',
  appliedRevision: 'none',
  drawnBy: 'ada',
  date: '2026-01-01',
  verdict: null,
  dataAge: '–',
};
const node = fc.record({
  name: fc.string({ maxLength: 70 }),
  role: fc.constantFrom('server', 'agent', 'lb'),
  address: fc.oneof(fc.constant(''), fc.ipV4()),
  access: fc.string({ maxLength: 80 }),
  zone: fc.constantFrom('', 'a', 'b'),
  state: fc.constantFrom(
    null,
    { ink: 'healthy', shape: 'circle', word: 'healthy' } as const,
    { ink: 'stale', shape: 'dashed-ring', word: 'no data for 1 m 40 s' } as const,
  ),
  badges: fc.array(fc.string({ maxLength: 30 }), { maxLength: 6 }),
});
const drawing = fc
  .record({ nodes: fc.array(node, { maxLength: 30 }), hasEntry: fc.boolean() })
  .map(({ nodes, hasEntry }): Drawing => ({
    pattern: 'custom',
    nodes: nodes.map((each, index): DrawnNode => ({ ...each, id: `n-${index}` })),
    entry: hasEntry ? { kind: 'vip', label: '192.0.2.10' } : null,
    nodeCidr: '',
    hasOverlay: false,
    titleBlock,
  }));

function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

describe('layOut', () => {
  it('gives every node a place of its own', () => {
    fc.assert(
      fc.property(drawing, (each) => {
        const boxes = [...layOut(each).values()];
        boxes.forEach((box, index) => {
          for (const other of boxes.slice(index + 1)) expect(overlaps(box, other)).toBe(false);
        });
        for (const { id } of each.nodes) expect(layOut(each).has(id)).toBe(true);
      }),
    );
  });

  it('reads from top to bottom: clients, load balancers, servers, agents', () => {
    fc.assert(
      fc.property(drawing, (each) => {
        const boxes = layOut(each);
        const ys = (role: string) =>
          each.nodes.filter((n) => n.role === role).map((n) => boxes.get(n.id)?.y ?? 0);
        const rows = [[boxes.get('clients')?.y ?? 0], ys('lb'), ys('server'), ys('agent')].filter(
          (row) => row.length > 0,
        );
        rows
          .slice(1)
          .forEach((row, index) =>
            expect(Math.min(...row)).toBeGreaterThan(Math.max(...(rows[index] ?? []))),
          );
      }),
    );
  });

  it('leaves a node where somebody put it', () => {
    const placed: DrawnNode = {
      id: 'n-1',
      name: 's1',
      role: 'server',
      address: '',
      access: '',
      zone: '',
      state: null,
      badges: [],
      position: { x: 7, y: 9 },
    };
    const boxes = layOut({
      pattern: 'custom',
      nodes: [placed],
      entry: null,
      nodeCidr: '',
      hasOverlay: false,
      titleBlock,
    });
    expect(boxes.get('n-1')).toEqual({ x: 7, y: 9, ...PLATE_SIZES.server });
  });
});

describe('toDisplayList', () => {
  it('is the same for the same drawing, whatever it holds, and names every group once', () => {
    fc.assert(
      fc.property(drawing, (each) => {
        const list = toDisplayList(each);
        expect(toDisplayList(structuredClone(each))).toEqual(list);
        expect(new Set(list.groups.map((group) => group.id)).size).toBe(list.groups.length);
      }),
    );
  });

  it('lets nothing cover the title block', () => {
    fc.assert(
      fc.property(drawing, (each) => {
        const { groups } = toDisplayList(each);
        const block = groups.find((group) => group.kind === 'title-block');
        if (!block) throw new Error('no title block');
        for (const group of groups) if (group !== block) expect(overlaps(group, block)).toBe(false);
      }),
    );
  });
});

describe('toSvg', () => {
  it('never lets a name become markup', () => {
    fc.assert(
      fc.property(drawing, fc.constantFrom('light', 'dark'), (each, theme) => {
        const svg = toSvg(toDisplayList(each), theme);
        const tags = new Set([...svg.matchAll(/<\/?([A-Za-z]+)/g)].map(([, tag]) => tag));
        expect(
          [...tags].filter((tag) => !/^(svg|title|defs|pattern|path|rect|g|text)$/.test(tag ?? '')),
        ).toEqual([]);
        expect(svg).not.toMatch(/&(?!(amp|lt|gt|quot|#39);)/);
      }),
    );
  });
});

describe('toPlate', () => {
  const box = { x: 0, y: 0, ...PLATE_SIZES.server };
  const base: DrawnNode = {
    id: 'n-1',
    name: 'a-name-that-is-much-longer-than-the-plate-is-wide',
    role: 'server',
    address: '192.0.2.11',
    access: 'root@192.0.2.11',
    zone: '',
    state: { ink: 'degraded', shape: 'triangle', word: 'degraded' },
    badges: [],
  };
  const texts = (node: DrawnNode) =>
    toPlate(node, box).shapes.flatMap((shape) => (shape.kind === 'text' ? [shape.text] : []));

  it('shortens a long name in the middle and keeps it whole in its label', () => {
    expect(texts(base).some((text) => text.includes('…'))).toBe(true);
    expect(toPlate(base, box).label).toContain(base.name);
  });

  it('says the state in words too, and every role by another outline', () => {
    expect(texts(base)).toContain('degraded');
    const outlines = (['server', 'agent', 'lb'] as const).map((role) =>
      JSON.stringify(
        toPlate({ ...base, role }, box).shapes.filter(
          (shape) =>
            (shape.kind !== 'text' && shape.fill === 'paper-raised') ||
            (shape.kind === 'rect' && shape.x === 3),
        ),
      ),
    );
    expect(new Set(outlines).size).toBe(3);
  });

  it('shows badges that fit and counts the rest', () => {
    const badges = ['etcd leader', 'VIP', 'cordoned', 'drift'];
    const shown = texts({ ...base, badges });
    expect(shown).toEqual(expect.arrayContaining(['etcd leader', '+3']));
    expect(texts({ ...base, badges: ['VIP', 'drift', 'cordoned'] })).toEqual(
      expect.arrayContaining(['VIP', 'drift', '+1']),
    );
    expect(texts({ ...base, badges: ['etcd leader'] })).toContain('etcd leader');
    for (const shape of toPlate({ ...base, badges }, box).shapes) {
      if (shape.kind === 'rect') expect(shape.x).toBeGreaterThanOrEqual(0);
    }
  });

  it('keeps the numbers of the gauges apart, however full they are', () => {
    const percent = fc.option(fc.float({ noNaN: true }));
    fc.assert(
      fc.property(percent, percent, percent, (cpu, memory, disk) => {
        const { shapes } = toPlate({ ...base, gauges: { cpu, memory, disk } }, box);
        const [first, second, third, ...rest] = shapes.flatMap((shape) =>
          shape.kind === 'text' && /^(cpu|mem|dsk) /.test(shape.text) ? [shape] : [],
        );
        if (!first || !second || !third || rest.length > 0) throw new Error('not three gauges');
        const endOf = (shape: typeof first) => shape.x + toMonoWidth(shape.text, shape.size);
        expect(second.x - endOf(first)).toBeGreaterThan(8);
        expect(third.x - endOf(second)).toBeGreaterThan(8);
        expect(box.width - endOf(third)).toBeGreaterThan(8);
      }),
    );
  });
});

it('rounds the corners of a line and ends where it should', () => {
  const d = toOrthogonalPath(
    [
      [0, 0],
      [0, 10],
      [20, 10],
      [20, 30],
    ],
    4,
  );
  expect(d).toBe('M0 0L0 6Q0 10 4 10L16 10Q20 10 20 14L20 30');
});
