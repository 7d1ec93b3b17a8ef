import type { FailureCode } from '@/lib/core/failure';
import type { RunState } from './run-event';

/** Causes that only a person can settle, whatever is tried again. */
const FOR_A_PERSON: readonly FailureCode[] = [
  'stale-epoch',
  'host-key-changed',
  'host-key-unknown',
  'credential-missing',
  'foreign-installation',
  'host-locked',
  'host-rebooted',
];
/** The way to the host was cut: nothing failed on it. */
const CUT_OFF: readonly FailureCode[] = [
  'host-unreachable',
  'connection-refused',
  'name-not-resolved',
  'connection-lost',
];

/** True for a cause after which the host could not be reached any more. */
export function isCutOff(code: FailureCode): boolean {
  return CUT_OFF.includes(code);
}

/** How a run ends that was stopped by this cause. */
export function toEndState(
  code: FailureCode,
): Extract<RunState, 'needs-attention' | 'unreachable' | 'failed'> {
  if (FOR_A_PERSON.includes(code)) return 'needs-attention';
  return isCutOff(code) ? 'unreachable' : 'failed';
}
