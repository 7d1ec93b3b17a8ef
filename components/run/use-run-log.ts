'use client';
import { useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { PlanStep } from '@/lib/plan/plan';
import { toRunSummary } from '@/lib/run/run-summary';
import type { RunSummary } from '@/lib/run/run-summary';
import type { RunView } from '@/lib/run/run-view';
import { queryKeys } from '@/components/live/query-keys';
import type { RunTail } from '@/components/live/run-tail';
import { useEventStream } from '@/components/live/use-event-stream';
import { useCached } from '@/components/live/use-live';
import { toKeptSummary } from './kept-summary';

export interface RunLog {
  readonly run: RunView;
  readonly summary: RunSummary;
  readonly tail: RunTail;
}

/**
 * A run with the end of its log, live: the stream is asked for events after the last one that is here, so a reconnect
 * neither loses nor doubles a line, and a long log does not travel because somebody looks at the run.
 */
export function useRunLog(initialRun: RunView, initialTail: RunTail, steps: readonly PlanStep[]): RunLog {
  const client = useQueryClient();
  const { id } = initialRun;
  const [topic] = useState(() => {
    const read = () => client.getQueryData<RunTail>(queryKeys.runTail(id));
    // What an earlier visit has left in the cache may be far behind what the page brings along.
    if ((read()?.last ?? initialTail.last) < initialTail.last) {
      client.setQueryData(queryKeys.runTail(id), initialTail);
    }
    return () => `run:${id}@${read()?.last ?? initialTail.last}`;
  });
  const tail = useCached(queryKeys.runTail(id), initialTail) ?? initialTail;
  const run = useCached(queryKeys.run(id), initialRun) ?? initialRun;
  useEventStream(topic);
  const { notes } = tail;
  const summary = useMemo(
    () =>
      run.logDroppedAt === null
        ? toRunSummary(
            notes,
            steps.map((step) => step.id),
          )
        : toKeptSummary(run),
    [notes, steps, run],
  );
  return { run, summary, tail };
}
