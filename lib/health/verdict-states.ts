import type { StateMark } from '@/lib/core/state-mark';
import type { VerdictState } from './site-now';

/** Every verdict, as it is shown, and how bad it is: a higher rank is worse. */
export const VERDICTS: Readonly<Record<VerdictState, StateMark & { readonly rank: number }>> = {
  healthy: { word: 'healthy', shape: 'circle', ink: 'healthy', rank: 0 },
  provisioning: { word: 'provisioning', shape: 'half-circle', ink: 'provisioning', turns: true, rank: 1 },
  degraded: { word: 'degraded', shape: 'triangle', ink: 'degraded', rank: 2 },
  stale: { word: 'no data', shape: 'dashed-ring', ink: 'stale', rank: 3 },
  down: { word: 'down', shape: 'square-bar', ink: 'down', rank: 4 },
};

/** The worst of some verdicts; healthy for none. */
export function worstVerdict(states: readonly VerdictState[]): VerdictState {
  return states.reduce<VerdictState>(
    (worst, state) => (VERDICTS[state].rank > VERDICTS[worst].rank ? state : worst),
    'healthy',
  );
}
