import { readFileSync } from 'node:fs';
import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import type { Drawing } from '@/lib/diagram/drawing';
import { INKS, THEMES } from '@/lib/diagram/ink';
import { toDisplayList } from '@/lib/diagram/to-display-list';
import { toSvg } from '@/lib/diagram/to-svg';
import { Shapes } from './shapes';
import { toFlow } from './to-flow';

const healthy = { ink: 'healthy', shape: 'circle', word: 'healthy' } as const;
const drawing: Drawing = {
  pattern: 'ha',
  nodes: [
    ...(['s1', 's2', 's3'] as const).map((name, index) => ({
      id: `n-${name}`,
      name,
      role: 'server' as const,
      address: `192.0.2.${11 + index}`,
      access: 'root',
      zone: index < 2 ? 'rack-a' : 'rack-b',
      state: healthy,
      gauges: { cpu: 12.4, memory: null, disk: 80 },
      badges: index === 0 ? ['etcd leader'] : [],
    })),
    {
      id: 'n-a1',
      name: 'a "quoted" <name> & more of it than fits',
      role: 'agent',
      address: '192.0.2.21',
      access: 'ops@192.0.2.21',
      zone: '',
      state: null,
      badges: [],
      change: 'added',
    },
    {
      id: 'n-lb1',
      name: 'lb1',
      role: 'lb',
      address: '192.0.2.9',
      access: 'root',
      zone: '',
      state: healthy,
      badges: ['VIP'],
    },
  ],
  entry: { kind: 'vip', label: '192.0.2.10' },
  nodeCidr: '192.0.2.0/24',
  hasOverlay: true,
  titleBlock: {
    site: 'hamburg-1',
    pattern: 'ha',
    revision: '3',
    appliedRevision: '2',
    drawnBy: 'ada',
    date: '2026-01-01',
    verdict: healthy,
    dataAge: '3 s',
  },
};
const list = toDisplayList(drawing);

/** Texts of an SVG with their places, in order. */
function readTexts(svg: string): readonly (readonly [string, string, string])[] {
  return [...svg.matchAll(/<text x="([^"]*)" y="([^"]*)"[^>]*>([^<]*)<\/text>/g)].map(
    ([, x = '', y = '', text = '']) => [x, y, text.replaceAll('&#x27;', '&#39;')] as const,
  );
}

/** How many rectangles and which paths an SVG has, in order. */
function readOutlines(svg: string): readonly string[] {
  return [
    ...svg.matchAll(/<(?:rect x="([^"]*)" y="([^"]*)" width="([^"]*)" height="([^"]*)"|path d="([^"]*)")/g),
  ].map(([, ...numbers]) => numbers.filter((each) => each !== undefined).join(' '));
}

describe('the React picture and the SVG', () => {
  const flow = toFlow(list);
  const svg = toSvg(list, 'light');
  const groupOf = (id: string) =>
    new RegExp(`<g data-id="${id}"[^>]*translate\\(([^)]*)\\)[^]*?</title>([^]*?)</g>`).exec(svg);

  it('have the same groups, none missing', () => {
    const drawn = [...flow.nodes, ...flow.edges, ...flow.corners].map((each) => each.id).sort();
    expect(drawn).toEqual(list.groups.map((group) => group.id).sort());
    expect(new Set(drawn).size).toBe(drawn.length);
  });

  it.each(list.groups.map((group) => [group.id, group] as const))('draw %s alike', (id, group) => {
    const [, place, body = ''] = groupOf(id) ?? [];
    const react = renderToStaticMarkup(
      createElement('svg', null, createElement(Shapes, { shapes: group.shapes })),
    );
    expect(place).toBe(`${group.x} ${group.y}`);
    expect(readTexts(react)).toEqual(readTexts(body));
    expect(readOutlines(react)).toEqual(readOutlines(body));
  });

  it('put plates at the same places', () => {
    for (const node of flow.nodes) {
      const group = list.groups.find((each) => each.id === node.id);
      expect([node.position.x, node.position.y, node.width, node.height]).toEqual([
        group?.x,
        group?.y,
        group?.width,
        group?.height,
      ]);
    }
  });

  it('tie every line to two groups that are drawn', () => {
    const ids = new Set(flow.nodes.map((node) => node.id));
    for (const edge of flow.edges) expect([ids.has(edge.source), ids.has(edge.target)]).toEqual([true, true]);
  });
});

it('takes the very colours of the page', () => {
  const css = readFileSync(new URL('../../app/globals.css', import.meta.url), 'utf8');
  for (const ink of INKS) {
    expect(css).toContain(`--${ink}: light-dark(${THEMES.light[ink]}, ${THEMES.dark[ink]});`);
  }
});
