import type { StateMark } from '@/lib/core/state-mark';
import { toMiddleEllipsis } from '@/lib/core/text';
import type { Group, Shape, TextShape } from './display-list';
import type { Drawing, TitleBlock } from './drawing';
import { toStateGlyph } from './state-glyph';

export const CORNER_HEIGHT = 144;
const ROW = CORNER_HEIGHT / 4;
export const TITLE_BLOCK_WIDTH = 324;
export const LEGEND_WIDTH = 272;

interface Cell {
  readonly row: number;
  /** Left edge and width in twelfths. */
  readonly from: number;
  readonly span: number;
  readonly label: string;
  readonly value: string;
  readonly state?: StateMark | null;
}

/** The title block, lower right corner: what this is, which revision, who drew it, how it is, how old the data is. */
export function toTitleBlock(block: TitleBlock, x: number, y: number): Group {
  const cells: Cell[] = [
    { row: 0, from: 0, span: 12, label: 'site', value: block.site },
    { row: 1, from: 0, span: 4, label: 'pattern', value: block.pattern },
    { row: 1, from: 4, span: 4, label: 'revision', value: block.revision },
    { row: 1, from: 8, span: 4, label: 'applied', value: block.appliedRevision },
    { row: 2, from: 0, span: 8, label: 'drawn by', value: block.drawnBy },
    { row: 2, from: 8, span: 4, label: 'date', value: block.date },
    {
      row: 3,
      from: 0,
      span: 8,
      label: 'verdict',
      value: block.verdict?.word ?? 'not watched yet',
      state: block.verdict,
    },
    { row: 3, from: 8, span: 4, label: 'data age', value: block.dataAge },
  ];
  return {
    id: 'title-block',
    kind: 'title-block',
    x,
    y,
    width: TITLE_BLOCK_WIDTH,
    height: CORNER_HEIGHT,
    label: `Title block: ${cells.map((cell) => `${cell.label} ${cell.value || 'none'}`).join(', ')}`,
    shapes: [
      {
        kind: 'rect',
        x: 0,
        y: 0,
        width: TITLE_BLOCK_WIDTH,
        height: CORNER_HEIGHT,
        fill: 'paper',
        stroke: 'ink',
        strokeWidth: 1.5,
      },
      ...cells.flatMap(toCell),
    ],
  };
}

function toCell(cell: Cell): Shape[] {
  const unit = TITLE_BLOCK_WIDTH / 12;
  const [x, y, width] = [cell.from * unit, cell.row * ROW, cell.span * unit];
  const glyph = cell.state ? toStateGlyph(cell.state, x + 8, y + 19) : [];
  const left = x + 8 + (glyph.length > 0 ? 18 : 0);
  const max = Math.floor((x + width - left - 6) / (13 * 0.6));
  return [
    ...(cell.row > 0 ? [{ kind: 'path', d: `M${x} ${y}H${x + width}`, stroke: 'line' } as const] : []),
    ...(cell.from > 0 ? [{ kind: 'path', d: `M${x} ${y}V${y + ROW}`, stroke: 'line' } as const] : []),
    text(x + 8, y + 13, cell.label, 11, 'ink-soft'),
    ...glyph,
    text(left, y + 29, toMiddleEllipsis(cell.value, max), 13, cell.state?.ink ?? 'ink'),
  ];
}

/** The legend: outlines of roles that the drawing has, kinds of lines, and the states with their shapes and words. */
export function toLegend(drawing: Drawing, states: readonly StateMark[], x: number, y: number): Group {
  const roles = (['server', 'agent', 'lb'] as const).filter((role) =>
    drawing.nodes.some((node) => node.role === role),
  );
  const samples = roles.length > 0 ? roles : (['server'] as const);
  const hasEtcd = drawing.nodes.filter((node) => node.role === 'server').length > 1;
  const lineY = 36 + samples.length * 22;
  const shapes: Shape[] = [
    {
      kind: 'rect',
      x: 0,
      y: 0,
      width: LEGEND_WIDTH,
      height: CORNER_HEIGHT,
      fill: 'paper',
      stroke: 'line',
    },
    text(12, 18, 'legend', 11, 'ink-soft'),
    ...samples.flatMap((role, index) => toOutlineSample(role, 12, 26 + index * 22)),
    { kind: 'path', d: `M12 ${lineY}H40`, stroke: 'line', strokeWidth: 1.25 },
    text(50, lineY + 4, 'control plane', 11, 'ink'),
    ...(hasEtcd ? toEtcdSample(12, lineY + 20) : []),
    ...states.flatMap((state, index): Shape[] => [
      ...toStateGlyph({ ...state, turns: false }, 156, 26 + index * 22),
      text(176, 36 + index * 22, state.word, 11, 'ink'),
    ]),
  ];
  const words = [...roles, ...states.map((state) => state.word)].join(', ');
  return {
    id: 'legend',
    kind: 'legend',
    x,
    y,
    width: LEGEND_WIDTH,
    height: CORNER_HEIGHT,
    label: `Legend: ${words}`,
    shapes,
  };
}

function toEtcdSample(x: number, y: number): Shape[] {
  return [
    { kind: 'path', d: `M${x} ${y}H${x + 28}`, stroke: 'ink-soft', strokeWidth: 4 },
    { kind: 'path', d: `M${x} ${y}H${x + 28}`, stroke: 'paper', strokeWidth: 2 },
    text(x + 38, y + 4, 'etcd', 11, 'ink'),
  ];
}

function toOutlineSample(role: 'server' | 'agent' | 'lb', x: number, y: number): Shape[] {
  const word = role === 'lb' ? 'load balancer' : role;
  const label = text(x + 38, y + 10, word, 11, 'ink');
  if (role === 'lb') {
    const d = `M${x + 4} ${y}H${x + 24}L${x + 28} ${y + 4}V${y + 10}L${x + 24} ${y + 14}H${x + 4}L${x} ${y + 10}V${y + 4}Z`;
    return [{ kind: 'path', d, stroke: 'ink' }, label];
  }
  const outer: Shape = { kind: 'rect', x, y, width: 28, height: 14, stroke: 'ink' };
  const inner: Shape = { kind: 'rect', x: x + 3, y: y + 3, width: 22, height: 8, stroke: 'ink' };
  return role === 'server' ? [outer, inner, label] : [outer, label];
}

function text(x: number, y: number, value: string, size: 11 | 13, ink: TextShape['ink']): TextShape {
  return { kind: 'text', x, y, text: value, size, font: 'mono', ink };
}
