import { z } from 'zod';
import { canonicalJson, sha256Hex } from '@/lib/core/hash';
import { NodeId, SiteId } from '@/lib/core/ids';
import type { Plan, PlanStep } from '@/lib/plan/plan';
import { findStepKind } from '@/lib/steps/catalogue';
import { defineStepKind, type StepKind } from '@/lib/steps/step-kind';

export const LedgerParams = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/),
  /** Lines that the act prints, each with a counter. */
  lines: z.int().default(3),
  /** Pause after each line, seconds with a fraction. */
  pauseS: z.string().default('0'),
  /** Text of each line. */
  text: z.string().default('line'),
  exitCode: z.int().default(0),
  /** Leaves no trace, so that probe and verify never see it. */
  isForgetful: z.boolean().default(false),
  /** Leaves a process behind that left the act's process group: only a cgroup still knows it. */
  isStraying: z.boolean().default(false),
});

const BEGIN = 'set -eu\ndone="$sp_root/ledger.done/$sp_name"\n';

function defineLedger(kind: string, uninterruptible: string | null, timeoutS = 60): StepKind {
  return defineStepKind({
    kind,
    params: LedgerParams,
    probe: `${BEGIN}if [ -f "$done" ]; then echo "siteplan-output name $sp_name"; exit 0; fi\nexit 10\n`,
    act: `${BEGIN}echo "$sp_name" >> "$sp_root/ledger"
echo $$ > "$sp_root/ledger.pid"
[ "$sp_straying" = false ] || setsid sleep 98765 </dev/null >/dev/null 2>&1 &
n=0
while [ "$n" -lt "$sp_lines" ]; do
  n=$((n + 1))
  printf '%s %06d %s\\n' "$sp_name" "$n" "$sp_text"
  [ "$sp_pause" = 0 ] || sleep "$sp_pause"
done
if [ "$sp_forgetful" = false ]; then mkdir -p "$sp_root/ledger.done"; : > "$done"; fi
exit "$sp_exit_code"
`,
    verify: `${BEGIN}[ -f "$done" ] || { echo "siteplan-failure verify-failed $sp_name left no trace" >&2; exit 1; }
echo "siteplan-output name $sp_name"\n`,
    timeoutS,
    uninterruptible,
    toTitle: ({ name }) => `Note ${name}`,
    toVariables: ({ name, lines, pauseS, text, exitCode, isForgetful, isStraying }) => ({
      name,
      lines: String(lines),
      pause: pauseS,
      text,
      exit_code: String(exitCode),
      forgetful: String(isForgetful),
      straying: String(isStraying),
    }),
  });
}

/**
 * Steps for tests: each act first notes its name in the ledger of its host, so that the ledger says what was really
 * executed, how often and in which order; then it prints counted lines.
 */
const LEDGER_KINDS: Readonly<Record<string, StepKind>> = {
  'test.ledger': defineLedger('test.ledger', null),
  'test.ledger-uncut': defineLedger('test.ledger-uncut', 'it must not be cut'),
  'test.ledger-short': defineLedger('test.ledger-short', null, 2),
};

/** The real catalogue and the ledger steps. */
export function findTestKind(kind: string): StepKind | null {
  return LEDGER_KINDS[kind] ?? findStepKind(kind);
}

export interface TestStep {
  readonly nodeId: string;
  readonly kind?: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Indexes of steps before this one; the step before it on the same node when absent. */
  readonly dependsOn?: readonly number[];
}

/** A plan of these steps, ids made as the plan builder makes them. */
export function toTestPlan(siteId: string, steps: readonly TestStep[]): Plan {
  const ids = steps.map(({ nodeId, kind = 'test.ledger', params }) =>
    sha256Hex(canonicalJson({ nodeId, kind, params })).slice(0, 16),
  );
  const planned = steps.map(({ nodeId, kind = 'test.ledger', params, dependsOn }, index): PlanStep => {
    const before = steps.findLastIndex((other, at) => at < index && other.nodeId === nodeId);
    return {
      id: ids[index] ?? '',
      nodeId: NodeId.parse(nodeId),
      kind,
      params,
      title: findTestKind(kind)?.toTitle(params) ?? kind,
      dependsOn: (dependsOn ?? (before < 0 ? [] : [before])).flatMap((at) => ids[at] ?? []),
      effect: '',
      restarts: [],
      quorum: null,
      estimateS: 1,
      diff: null,
    };
  });
  return {
    schemaVersion: 1,
    notices: [],
    id: `plan-${sha256Hex(canonicalJson(planned)).slice(0, 12)}`,
    siteId: SiteId.parse(siteId),
    kind: 'apply',
    revision: 1,
    factsHash: '',
    steps: planned,
  };
}
