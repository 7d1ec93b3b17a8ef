import type { CheckStatus, Link, LinkPort, LinkState } from './check-definition';

/** How the states of a port are called. */
export const LINK_STATE_WORDS: Readonly<Record<LinkState, string>> = {
  open: 'open',
  'in-use': 'in use',
  blocked: 'blocked',
  refused: 'refused',
  'no-route': 'no route',
  stranger: 'somebody else answers',
  'too-big': 'smaller packets only',
  unknown: 'unknown',
};

/** The states of a port that is reached: our own listener answers, or the real program. */
export type ReachedState = Extract<LinkState, 'open' | 'in-use'>;

/** True for a port that is reached. */
export function isReached(state: LinkState): state is ReachedState {
  return state === 'open' || state === 'in-use';
}

/** Red where the cluster needs the port; amber where a feature does, or where nothing certain was found out. */
export function toPortStatus({ state, need }: Pick<LinkPort, 'state' | 'need'>): CheckStatus {
  if (isReached(state)) return 'ok';
  return need === 'required' && state !== 'unknown' && state !== 'too-big' ? 'fail' : 'warn';
}

/** True for a link of which nothing bad is known: each of its ports is reached or unknown, and not all are reached. */
export function isLinkUnknown({ status, ports }: Pick<Link, 'status' | 'ports'>): boolean {
  return status === 'warn' && ports.every(({ state }) => state === 'unknown' || isReached(state));
}
