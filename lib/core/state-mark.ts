import type { StateShape } from './state-shape';

/** Names of the colour tokens that a state may have; `components` and `lib/diagram` hold the values. */
export type StateInk = 'healthy' | 'degraded' | 'down' | 'stale' | 'provisioning' | 'ink' | 'ink-soft';

/** How a state is shown: colour, shape and word always together, so that it reads without colour too. */
export interface StateMark {
  readonly word: string;
  readonly shape: StateShape;
  readonly ink: StateInk;
  /** Drawn slowly turning, because something is going on. */
  readonly turns?: boolean;
}
