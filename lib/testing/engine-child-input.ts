import type { Plan } from '@/lib/plan/plan';
import type { RigHost } from './engine-rig';

/** What the parent hands to an engine process, as JSON on standard input. */
export interface EngineChildInput {
  readonly databaseUrl: string;
  readonly runId: string;
  readonly epoch: string;
  readonly plan: Plan;
  readonly hosts: readonly RigHost[];
  /** Values by secret id. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Its artifact cache; it has no internet. */
  readonly artifactsDir?: string;
}

/** Exit code of an engine process that found its epoch stale. */
export const STALE_EXIT_CODE = 75;
