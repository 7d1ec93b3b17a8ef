import { toMiddleEllipsis } from '@/lib/core/text';
import type { Role } from '@/lib/topology/topology';
import { toMonoWidth } from './display-list';
import type { Group, PathShape, Shape, TextShape } from './display-list';
import type { DrawnNode } from './drawing';
import type { Ink } from './ink';
import type { Box } from './layout';
import { toStateGlyph } from './state-glyph';

const PAD = 12;
const CHAMFER = 10;
const BADGE_GAP = 4;

export const ROLE_WORDS: Readonly<Record<Role, string>> = {
  server: 'server',
  agent: 'agent',
  lb: 'load balancer',
};

/** Role glyphs in a box of 14 by 14: a rack for a server, one unit for an agent, a fork for a load balancer. */
const ROLE_GLYPHS: Readonly<Record<Role, string>> = {
  server: 'M1 1.5H13V5H1ZM1 5H13V9H1ZM1 9H13V12.5H1ZM3.5 3.2H4.5M3.5 7H4.5M3.5 10.8H4.5',
  agent: 'M1 4H13V10H1ZM3.5 7H4.5',
  lb: 'M7 1V5M7 5L2 9V13M7 5V13M7 5L12 9V13',
};

/** One node as a plate: outline by role, glyph, name, address, state in colour, shape and word, gauges, badges. */
export function toPlate(node: DrawnNode, box: Box): Group {
  const { width, height } = box;
  const isStale = node.state?.shape === 'dashed-ring';
  const nameMax = Math.floor((width - PAD * 2 - 40) / (13 * 0.6));
  const shapes: Shape[] = [
    ...toOutline(node, width, height),
    ...(isStale ? toHatch(width, height) : []),
    { kind: 'path', d: ROLE_GLYPHS[node.role], x: PAD, y: 9, stroke: 'ink' },
    mono(PAD + 20, 21, toMiddleEllipsis(node.name || 'unnamed', nameMax), node.name ? 'ink' : 'ink-soft', {
      size: 13,
      weight: 500,
    }),
    mono(PAD, 38, toMiddleEllipsis(node.address || 'no address', 18), 'ink-soft'),
    mono(width - PAD, 38, node.role === 'lb' ? 'lb' : node.role, 'ink-soft', { anchor: 'end' }),
    ...toStateLine(node, width),
    ...(node.gauges ? toGauges(node.gauges, width) : []),
    ...toChangeMark(node, width, height),
  ];
  return { id: node.id, kind: 'plate', ...box, label: toPlateLabel(node), shapes };
}

/** A dashed plate where the first host will stand. */
export function toPlaceholder(box: Box): Group {
  const middle = box.width / 2;
  return {
    id: 'placeholder',
    kind: 'note',
    ...box,
    label: 'No host yet',
    shapes: [
      {
        kind: 'rect',
        x: 0,
        y: 0,
        width: box.width,
        height: box.height,
        stroke: 'line',
        dash: '4 4',
        fill: 'paper',
      },
      mono(middle, box.height / 2 - 2, 'first server', 'ink-soft', { size: 13, anchor: 'middle' }),
      mono(middle, box.height / 2 + 16, 'no host yet', 'ink-soft', { anchor: 'middle' }),
    ],
  };
}

function toPlateLabel(node: DrawnNode): string {
  const { gauges } = node;
  return [
    `${node.name || 'unnamed'}, ${ROLE_WORDS[node.role]}`,
    node.address || 'no address',
    node.zone && `zone ${node.zone}`,
    node.state?.word,
    ...node.badges,
    gauges &&
      `cpu ${toPercent(gauges.cpu)}, memory ${toPercent(gauges.memory)}, disk ${toPercent(gauges.disk)}`,
    node.change && `${node.change} in this revision`,
  ]
    .filter(Boolean)
    .join(', ');
}

/** Servers have a double outline, agents a single one, load balancers a chamfered one: readable in black and white. */
function toOutline(node: DrawnNode, width: number, height: number): Shape[] {
  const stroke: Ink = node.change === 'added' ? 'accent' : 'ink';
  const dashed = node.change === 'added' ? { dash: '5 3' } : {};
  const outer = { kind: 'rect', x: 0, y: 0, width, height, fill: 'paper-raised', stroke, ...dashed } as const;
  switch (node.role) {
    case 'server':
      return [outer, { kind: 'rect', x: 3, y: 3, width: width - 6, height: height - 6, stroke, ...dashed }];
    case 'agent':
      return [outer];
    case 'lb': {
      const [right, bottom] = [width - CHAMFER, height - CHAMFER];
      const d = `M${CHAMFER} 0H${right}L${width} ${CHAMFER}V${bottom}L${right} ${height}H${CHAMFER}L0 ${bottom}V${CHAMFER}Z`;
      return [{ kind: 'path', d, fill: 'paper-raised', stroke, ...dashed }];
    }
  }
}

function toStateLine(node: DrawnNode, width: number): Shape[] {
  if (!node.state) return [mono(PAD, 58, toMiddleEllipsis(node.access, 27), 'ink-soft')];
  const word = toMiddleEllipsis(node.state.word, 24);
  return [
    ...toStateGlyph(node.state, width - PAD - 12, 10),
    mono(PAD, 56, word, node.state.ink, { weight: 500 }),
    ...toBadges(node.badges, width - PAD * 2 - toMonoWidth(word, 11) - 8, width),
  ];
}

/** Badges at the right end, as many as fit into `room`; the rest as a count. */
function toBadges(badges: readonly string[], room: number, width: number): Shape[] {
  let right = width - PAD;
  return toFittingBadges(badges, room).flatMap((text): Shape[] => {
    const size = toBadgeWidth(text);
    const x = right - size;
    right = x - BADGE_GAP;
    return [
      { kind: 'rect', x, y: 45, width: size, height: 15, stroke: 'line' },
      mono(x + size - 4, 56, text, 'ink', { anchor: 'end' }),
    ];
  });
}

function toFittingBadges(badges: readonly string[], room: number): readonly string[] {
  for (let count = badges.length; count >= 0; count -= 1) {
    const rest = badges.length - count;
    const shown = [...badges.slice(0, count), ...(rest > 0 ? [`+${rest}`] : [])];
    const width = shown.reduce((sum, text) => sum + toBadgeWidth(text) + BADGE_GAP, -BADGE_GAP);
    if (width <= room) return shown;
  }
  return [];
}

function toBadgeWidth(text: string): number {
  return Math.ceil(toMonoWidth(text, 11)) + 8;
}

/** Three hairlines with their numbers, each number as wide as its hairline at most: no more than 100 %. */
function toGauges(gauges: NonNullable<DrawnNode['gauges']>, width: number): Shape[] {
  const step = (width - PAD * 2) / 3;
  const entries = [
    ['cpu', gauges.cpu],
    ['mem', gauges.memory],
    ['dsk', gauges.disk],
  ] as const;
  return entries.flatMap(([label, percent], index): Shape[] => {
    const x = PAD + index * step;
    const track = step - 8;
    const shown = percent === null ? null : Math.min(100, Math.max(0, percent));
    const filled = (track * (shown ?? 0)) / 100;
    return [
      mono(
        x,
        74,
        `${label} ${shown === null ? '–' : `${Math.round(shown)}%`}`,
        shown === null ? 'ink-soft' : 'ink',
      ),
      line(x, 80.5, x + track, 'line', 1),
      ...(shown === null ? [] : [line(x, 80.5, x + filled, 'ink', 3)]),
    ];
  });
}

function toPercent(value: number | null): string {
  return value === null ? '–' : `${Math.round(value)} %`;
}

/** Changes as on a revised plan: a small triangle for changed, a stroke through for removed. */
function toChangeMark(node: DrawnNode, width: number, height: number): Shape[] {
  if (node.change === 'removed')
    return [{ kind: 'path', d: `M0 ${height}L${width} 0`, stroke: 'ink', strokeWidth: 1.5 }];
  if (node.change !== 'changed') return [];
  return [
    { kind: 'path', d: `M${width - 10} -8L${width} 8H${width - 20}Z`, stroke: 'accent', fill: 'paper' },
    mono(width - 10, 6, '1', 'accent', { anchor: 'middle' }),
  ];
}

/** Hatching of plates without fresh data: a strip of diagonals along the left edge. */
function toHatch(width: number, height: number): PathShape[] {
  const strip = 6;
  const lines: string[] = [];
  for (let y = strip; y <= height - strip; y += 6) lines.push(`M${width - strip} ${y + strip}L${width} ${y}`);
  return [{ kind: 'path', d: lines.join(''), stroke: 'stale' }];
}

function line(x1: number, y: number, x2: number, stroke: Ink, strokeWidth: number): PathShape {
  return { kind: 'path', d: `M${toNumber(x1)} ${y}H${toNumber(x2)}`, stroke, strokeWidth };
}

function mono(
  x: number,
  y: number,
  text: string,
  ink: Ink,
  more: Partial<Pick<TextShape, 'size' | 'anchor' | 'weight'>> = {},
): TextShape {
  return { kind: 'text', x: Math.round(x), y: Math.round(y), text, ink, size: 11, font: 'mono', ...more };
}

function toNumber(value: number): number {
  return Math.round(value * 10) / 10;
}
