import type { Ink } from './ink';

/**
 * The drawing as a list of groups of shapes: what React Flow (near), a canvas (far away) and the SVG of shares, walls
 * and exports all draw. Coordinates are drawing units (CSS pixels at zoom 1); shapes are relative to their group.
 */
export interface DisplayList {
  readonly width: number;
  readonly height: number;
  /** One sentence for a screen reader. */
  readonly title: string;
  /** In painting order: zones, lines, plates, then the fixed corners. */
  readonly groups: readonly Group[];
}

export type GroupKind = 'zone' | 'line' | 'plate' | 'note' | 'legend' | 'title-block';

export interface Group {
  readonly id: string;
  readonly kind: GroupKind;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** The whole of it in words: for the list twin, for tooltips, for what an ellipsis has cut. */
  readonly label: string;
  readonly shapes: readonly Shape[];
  /** For lines: ids of the groups at both ends. */
  readonly ends?: { readonly from: string; readonly to: string };
}

interface Paint {
  readonly stroke?: Ink;
  readonly strokeWidth?: number;
  readonly dash?: string;
  readonly fill?: Ink;
  /** The slow turn of work in progress; a renderer that cannot move leaves it out. */
  readonly turns?: boolean;
}

export interface RectShape extends Paint {
  readonly kind: 'rect';
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PathShape extends Paint {
  readonly kind: 'path';
  readonly d: string;
  /** Moves the path; used for glyphs, whose data is drawn at the origin. */
  readonly x?: number;
  readonly y?: number;
}

export interface TextShape {
  readonly kind: 'text';
  /** Left end, middle or right end of the baseline, as `anchor` says. */
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly size: 11 | 13 | 15 | 20;
  readonly font: 'sans' | 'mono';
  readonly ink: Ink;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly weight?: 400 | 500 | 600;
  /** A stroke of paper behind the letters, where a text stands on a line. */
  readonly halo?: boolean;
}

export type Shape = RectShape | PathShape | TextShape;

/** Width of one mono letter of IBM Plex per unit of size: every glyph is 600/1000 em. */
export const MONO_ADVANCE = 0.6;

/** Width of a mono text in drawing units. */
export function toMonoWidth(text: string, size: number): number {
  return [...text].length * size * MONO_ADVANCE;
}
