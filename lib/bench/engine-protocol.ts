import type { RunState } from '@/lib/run/run-event';
import type { RigHost } from '@/lib/testing/engine-rig';

/** What a bench asks of its engine process, one JSON object a line. */
export type EngineRequest =
  | {
      readonly op: 'run';
      readonly id: number;
      readonly runId: string;
      readonly epoch: string;
      readonly plan: unknown;
      readonly hosts: readonly RigHost[];
    }
  | { readonly op: 'usage'; readonly id: number; readonly resetsPeak: boolean };

export interface EngineUsage {
  /** User and system time since the process began. */
  readonly cpuMs: number;
  readonly rssKiB: number;
  /** Highest resident size since the start or the last reset. */
  readonly peakRssKiB: number;
}

export type EngineAnswer =
  | { readonly op: 'run'; readonly id: number; readonly state: RunState; readonly wallMs: number }
  | { readonly op: 'usage'; readonly id: number; readonly usage: EngineUsage }
  | { readonly op: 'error'; readonly id: number; readonly error: string };
