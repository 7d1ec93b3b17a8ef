import type { z } from 'zod';
import type { SecretRef } from '@/lib/topology/topology';

/** Exit code of a probe: the host is already as wanted. */
export const PROBE_SATISFIED = 0;
/** Exit code of a probe: the act is needed. Any other code is a failed probe. */
export const PROBE_NEEDED = 10;

/** One file of a release as it is published, such as `rke2.linux-amd64.tar.gz` of `v1.35.7+rke2r1`. */
export interface ReleaseFile {
  readonly version: string;
  readonly arch: string;
  readonly file: string;
}

/** What one kind of step says about itself; `defineStepKind` turns it into what the catalogue holds. */
export interface StepKindDefinition<P extends z.ZodType> {
  readonly kind: string;
  readonly params: P;
  readonly probe: string;
  readonly act: string;
  readonly verify: string;
  /** Limit of the act on the host, seconds. */
  readonly timeoutS: number;
  /** Why a cancel waits for this step's end, or null when it may be cut. */
  readonly uninterruptible: string | null;
  readonly toTitle: (params: z.output<P>) => string;
  /** Names match [a-z][a-z0-9_]*; the engine prefixes them with `sp_`. Values are free text without NUL. */
  readonly toVariables: (params: z.output<P>) => Readonly<Record<string, string>>;
  readonly toPayload?: (params: z.output<P>) => string;
  /** The secret slots of the payload that the worker may fill; none when absent. */
  readonly toSecrets?: (params: z.output<P>) => readonly SecretRef[];
  /** The release file that the worker sends to the host before the act; none when absent. */
  readonly toReleaseFile?: (params: z.output<P>) => ReleaseFile;
}

/**
 * One kind of step: typed parameters and three constant POSIX sh scripts. The engine sets each entry of
 * `toVariables(params)` as a shell variable through the one quoting function (`toShellAssignments`) before the script;
 * `toPayload(params)` (with secret slots, filled by the worker) is the act's standard input. No parameter is ever part
 * of a script's text. A kind with a payload also gets `sp_payload_sha256`, the SHA-256 of the filled payload, before
 * each of its scripts. For a kind with a release file the worker puts that file on the host before the act (lib/provision/
 * send-artifact.ts), and the list of checksums of its release is the act's standard input.
 *
 * probe   changes nothing; exit 0 already so, 10 act needed, anything else is an error (stderr says why)
 * act     idempotent; runs on the host under the journaled runner; output is the step's log; exit 0 or failure
 * verify  changes nothing; exit 0 or the step failed
 *
 * Lines `siteplan-output KEY VALUE` on the standard output of verify (or of a satisfied probe) are the outputs; a line
 * `siteplan-failure CODE WORDS` on standard error names the cause (`lib/steps/script-output.ts` reads both).
 */
export interface StepKind extends Omit<
  StepKindDefinition<z.ZodType>,
  'toTitle' | 'toVariables' | 'toPayload' | 'toSecrets' | 'toReleaseFile'
> {
  /** These parse `params` first and throw where the schema refuses them. */
  readonly toTitle: (params: unknown) => string;
  readonly toVariables: (params: unknown) => Readonly<Record<string, string>>;
  /** Null for a kind without a payload. */
  readonly toPayload: (params: unknown) => string | null;
  readonly toSecrets: (params: unknown) => readonly SecretRef[];
  /** Null for a kind without one. */
  readonly toReleaseFile: (params: unknown) => ReleaseFile | null;
}

/** The same kind with its parameter type forgotten: every function parses what it is given. */
export function defineStepKind<P extends z.ZodType>(definition: StepKindDefinition<P>): StepKind {
  const parse = (params: unknown) => definition.params.parse(params);
  return {
    ...definition,
    toTitle: (params) => definition.toTitle(parse(params)),
    toVariables: (params) => definition.toVariables(parse(params)),
    toPayload: (params) => definition.toPayload?.(parse(params)) ?? null,
    toSecrets: (params) => definition.toSecrets?.(parse(params)) ?? [],
    toReleaseFile: (params) => definition.toReleaseFile?.(parse(params)) ?? null,
  };
}
