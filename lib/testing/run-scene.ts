import { appendRunEvents, claimRun, type ClaimedRun } from '@/lib/db/run-log';
import { claimSite, type SiteClaim } from '@/lib/db/site-lease';
import type { PlanKind } from '@/lib/plan/plan';
import type { RunEventBody, RunState, StepState } from '@/lib/run/run-event';
import { insertPreflight } from './factories';
import type { TestDatabase } from './test-database';

/** A step of a scene's plan: where it is and what kind it claims to be. */
export interface SceneStep {
  readonly nodeId: string;
  readonly kind?: string;
}

/** A site's runs as its worker sees them, without hosts: for tests of queues, verbs and logs. */
export interface RunScene {
  /** Ids of the steps of every plan of the scene, in order. */
  readonly stepIds: readonly string[];
  /** A plan row as a worker stores it, after checks that found nothing red; returns its id. */
  readonly storePlan: () => Promise<string>;
  /** A worker takes the site and its run. Throws when there is nothing to take. */
  readonly claim: () => Promise<{ lease: SiteClaim; run: ClaimedRun }>;
  /** Steps reach a state, as the engine writes it: the event and the row together. */
  readonly endSteps: (
    claimed: { lease: SiteClaim; run: ClaimedRun },
    states: Readonly<Record<string, Extract<StepState, 'done' | 'failed'>>>,
  ) => Promise<void>;
  readonly endRun: (claimed: { lease: SiteClaim; run: ClaimedRun }, state: RunState) => Promise<void>;
}

const FAILURE = { code: 'step-exit', message: 'It broke.', nextAction: 'Look at it.' } as const;
let planCount = 0;

/** Steps that depend on the one before them on the same node. */
export function createRunScene(
  { worker }: TestDatabase,
  siteId: string,
  steps: readonly SceneStep[],
  kind: PlanKind = 'apply',
): RunScene {
  const stepIds = steps.map((_, index) => String(index + 1).padStart(16, '0'));
  const write = (
    { lease, run }: { lease: SiteClaim; run: ClaimedRun },
    events: RunEventBody[],
    patch: Partial<Parameters<typeof appendRunEvents>[1]>,
  ) => appendRunEvents(worker, { runId: run.runId, epoch: lease.epoch, events, ...patch });
  return {
    stepIds,
    storePlan: async () => {
      planCount += 1;
      const id = `p-scene-${process.pid}-${planCount}`;
      const body = {
        schemaVersion: 1,
        notices: [],
        id,
        siteId,
        kind,
        revision: 1,
        factsHash: 'f',
        steps: steps.map((step, index) => ({
          id: stepIds[index],
          nodeId: step.nodeId,
          kind: step.kind ?? 'file.put',
          params: {},
          title: `step ${index + 1}`,
          dependsOn: [],
          effect: '',
          restarts: [],
          quorum: null,
          estimateS: 1,
          diff: null,
        })),
      };
      const row = { id, siteId, kind, revision: 1, factsHash: 'f', body, facts: [], createdBy: 'worker' };
      await worker.prisma.plan.create({ data: row });
      await insertPreflight(worker.pool, siteId);
      return id;
    },
    claim: async () => {
      const lease = await claimSite(worker.pool, 'scene', { ttlMs: 60_000, exclude: [] });
      if (lease?.siteId !== siteId)
        throw new Error(`claimed ${lease?.siteId ?? 'nothing'} instead of ${siteId}`);
      const run = await claimRun(worker, lease, 'scene');
      if (!run) throw new Error('no run to claim');
      return { lease, run };
    },
    endSteps: async (claimed, states) => {
      const entries = Object.entries(states);
      const events = entries.map(([stepId, state]): RunEventBody =>
        state === 'done'
          ? { type: 'step.finished', stepId, outcome: 'done', outputs: {} }
          : { type: 'step.failed', stepId, failure: FAILURE },
      );
      const patches = entries.map(
        ([stepId, state]) => ({ stepId, state, attempt: 1, finished: true }) as const,
      );
      await write(claimed, events, { steps: patches });
    },
    endRun: async (claimed, state) => {
      const failure = state === 'done' || state === 'cancelled' ? null : FAILURE;
      await write(claimed, [{ type: 'run.finished', state, failure }], { run: { state, finished: true } });
      await worker.pool.query('UPDATE site_lease SET lease_until = NULL WHERE site_id = $1', [siteId]);
    },
  };
}
