/** Shapes that go with the colour of a state, so that it reads in black and white. All fit a box of 12 by 12. */
export type StateShape =
  | 'circle'
  | 'triangle'
  | 'square-bar'
  | 'dashed-ring'
  | 'half-circle'
  | 'ring'
  | 'diamond'
  | 'slashed-ring'
  | 'split-square';

/** One stroke or fill of a shape, as SVG path data. */
export interface ShapePart {
  readonly d: string;
  readonly paint: 'fill' | 'stroke';
  readonly dash?: string;
}

const RING = 'M6 1.2A4.8 4.8 0 1 1 6 10.8A4.8 4.8 0 1 1 6 1.2Z';

/** What each shape is made of; fills use the even-odd rule. */
export const STATE_SHAPES: Readonly<Record<StateShape, readonly ShapePart[]>> = {
  circle: [{ d: 'M6 1A5 5 0 1 1 6 11A5 5 0 1 1 6 1Z', paint: 'fill' }],
  triangle: [{ d: 'M6 0.8L11.6 10.8H0.4Z', paint: 'fill' }],
  'square-bar': [{ d: 'M1 1H11V11H1ZM3 5V7H9V5Z', paint: 'fill' }],
  'dashed-ring': [{ d: RING, paint: 'stroke', dash: '2.2 1.6' }],
  'half-circle': [
    { d: RING, paint: 'stroke' },
    { d: 'M6 1.2A4.8 4.8 0 0 1 6 10.8Z', paint: 'fill' },
  ],
  ring: [{ d: RING, paint: 'stroke' }],
  diamond: [{ d: 'M6 0.6L11.4 6L6 11.4L0.6 6Z', paint: 'fill' }],
  'slashed-ring': [
    { d: RING, paint: 'stroke' },
    { d: 'M2.6 9.4L9.4 2.6', paint: 'stroke' },
  ],
  'split-square': [
    { d: 'M1.5 1.5H10.5V10.5H1.5Z', paint: 'stroke' },
    { d: 'M1.5 10.5L10.5 1.5', paint: 'stroke' },
  ],
};
