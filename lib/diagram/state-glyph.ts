import { STATE_SHAPES } from '@/lib/core/state-shape';
import type { PathShape } from './display-list';
import type { StateMark } from '@/lib/core/state-mark';

/** The shape of a state in a box of 12 by 12 at (x, y). */
export function toStateGlyph(state: StateMark, x: number, y: number): PathShape[] {
  return STATE_SHAPES[state.shape].map((part) => ({
    kind: 'path',
    d: part.d,
    x,
    y,
    ...(part.paint === 'fill' ? { fill: state.ink } : { stroke: state.ink, strokeWidth: 1.5 }),
    ...(part.dash !== undefined && { dash: part.dash }),
    ...(state.turns === true && { turns: true }),
  }));
}
