import { z } from 'zod';
import { HostPath } from '@/lib/render/rendered-file';
import { defineStepKind, type StepKind } from '@/lib/steps/step-kind';
import { findTestKind } from '@/lib/testing/ledger-step';

const IS_SO = 'set -eu\npath="$sp_root$sp_path"\nis_so() { [ -f "$path" ]; }\n';
const PROBE = `${IS_SO}if is_so; then exit 0; fi\nexit 10\n`;
const VERIFY = `${IS_SO}is_so || { echo "siteplan-failure verify-failed $path is missing" >&2; exit 1; }\n`;

const CopyParams = z.strictObject({ from: HostPath, path: HostPath });

/** One plain command, `cp FROM PATH`, with the probe and verify that every step has. */
const benchCopy = defineStepKind({
  kind: 'bench.copy',
  params: CopyParams,
  probe: PROBE,
  act: `${IS_SO}cp -- "$sp_from" "$path"\n`,
  verify: VERIFY,
  timeoutS: 60,
  uninterruptible: null,
  toTitle: ({ path }) => `Copy to ${path}`,
  toVariables: ({ from, path }) => ({ from, path }),
});

const FloodParams = z.strictObject({
  /** Made when it is done. */
  path: HostPath,
  /** The text that the act prints, whole. */
  source: HostPath,
});

/** Prints a large file as its output, at the pace of whoever takes it. */
const benchFlood = defineStepKind({
  kind: 'bench.flood',
  params: FloodParams,
  probe: PROBE,
  act: `${IS_SO}cat -- "$sp_root$sp_source"\n: > "$path"\n`,
  verify: VERIFY,
  timeoutS: 600,
  uninterruptible: null,
  toTitle: ({ source }) => `Print ${source}`,
  toVariables: ({ path, source }) => ({ path, source }),
});

const ClockParams = z.strictObject({ path: HostPath, lines: z.int(), pauseS: z.string() });

/** Prints lines that hold the host's time in nanoseconds, with a pause after each. */
const benchClock = defineStepKind({
  kind: 'bench.clock',
  params: ClockParams,
  probe: PROBE,
  act: `${IS_SO}n=0
while [ "$n" -lt "$sp_lines" ]; do
  n=$((n + 1))
  date +%s%N
  sleep "$sp_pause"
done
: > "$path"
`,
  verify: VERIFY,
  timeoutS: 600,
  uninterruptible: null,
  toTitle: ({ lines }) => `Tell the time ${lines} times`,
  toVariables: ({ path, lines, pauseS }) => ({ path, lines: String(lines), pause: pauseS }),
});

const BENCH_KINDS: readonly StepKind[] = [benchCopy, benchFlood, benchClock];

/** The real catalogue, the ledger steps of the tests and the steps of the benches. */
export function findBenchKind(kind: string): StepKind | null {
  return BENCH_KINDS.find((candidate) => candidate.kind === kind) ?? findTestKind(kind);
}
