import { FailureCode } from '@/lib/core/failure';
import { toSafeLine } from '@/lib/core/text';

const OUTPUT = /^siteplan-output ([a-z][a-z0-9_]{0,63}) (.*)$/;
const FAILURE = /^siteplan-failure ([a-z-]{1,40}) (.*)$/;
const MAX_OUTPUTS = 32;

/**
 * The causes that a script may name. What a program prints is hostile text, so a line of its output must not pass for
 * a changed host key, a lost connection or anything else that only the worker can know.
 */
export const STEP_CODES: readonly FailureCode[] = [
  'step-exit',
  'probe-failed',
  'verify-failed',
  'disk-full',
  'read-only-filesystem',
  'noexec-tmp',
  'checksum-mismatch',
  'download-failed',
  'port-busy',
  'wrong-architecture',
  'package-lock-held',
  'clock-skew',
  'quorum-at-risk',
  'out-of-memory',
];

/** Outputs of a step from the standard output of its verify script; the last of equal keys counts, values are made safe. */
export function parseStepOutputs(stdout: string): Readonly<Record<string, string>> {
  const outputs = new Map<string, string>();
  for (const line of stdout.split('\n')) {
    const match = OUTPUT.exec(line);
    if (match?.[1] && (outputs.has(match[1]) || outputs.size < MAX_OUTPUTS)) {
      outputs.set(match[1], toSafeLine(match[2] ?? '', 200));
    }
  }
  return Object.fromEntries(outputs);
}

/** The cause that a script named itself: the last `siteplan-failure` line with one of `STEP_CODES`, or null. */
export function findStepFailure(text: string): { code: FailureCode; message: string } | null {
  for (const line of text.split('\n').reverse()) {
    const match = FAILURE.exec(line);
    const code = FailureCode.safeParse(match?.[1]);
    if (match && code.success && STEP_CODES.includes(code.data)) {
      return { code: code.data, message: toSafeLine(match[2] ?? '', 500) };
    }
  }
  return null;
}
