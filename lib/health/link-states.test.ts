import { describe, expect, it } from 'vitest';
import { LINK_STATES } from './check-definition';
import { isLinkUnknown, isReached, toPortStatus } from './link-states';

describe('the state of a port', () => {
  it('is reached by our own listener or the real program, and by nothing else', () => {
    expect(LINK_STATES.filter(isReached).sort()).toEqual(['in-use', 'open']);
  });

  it('is red only where the cluster needs the port and it is known not to pass', () => {
    const statesOf = (need: 'required' | 'full', status: 'ok' | 'warn' | 'fail') =>
      LINK_STATES.filter((state) => toPortStatus({ state, need }) === status).sort();
    expect(statesOf('required', 'fail')).toEqual(['blocked', 'no-route', 'refused', 'stranger']);
    expect(statesOf('required', 'warn')).toEqual(['too-big', 'unknown']);
    expect(statesOf('full', 'fail')).toEqual([]);
    expect(statesOf('full', 'ok')).toEqual(['in-use', 'open']);
  });
});

it('knows nothing bad of a link only while no port of it is known to be bad', () => {
  const port = (state: (typeof LINK_STATES)[number]) =>
    ({ ruleId: state, protocol: 'tcp', port: 1, state, need: 'full' }) as const;
  expect(isLinkUnknown({ status: 'warn', ports: [port('unknown'), port('open')] })).toBe(true);
  expect(isLinkUnknown({ status: 'warn', ports: [port('unknown'), port('blocked')] })).toBe(false);
  expect(isLinkUnknown({ status: 'ok', ports: [port('open')] })).toBe(false);
});
