'use client';
import { useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { PlanStep } from '@/lib/plan/plan';
import type { RunEvent } from '@/lib/run/run-event';
import { toRunSummary } from '@/lib/run/run-summary';
import type { RunSummary } from '@/lib/run/run-summary';
import type { RunView } from '@/lib/run/run-view';
import { queryKeys } from '@/components/live/query-keys';
import { useEventStream } from '@/components/live/use-event-stream';
import { useCached } from '@/components/live/use-live';
import { LogLines } from './log-lines';
import type { LogLine } from './log-lines';

export interface RunLog {
  readonly run: RunView;
  readonly summary: RunSummary;
  readonly lines: readonly LogLine[];
}

/**
 * A run with its log, live: the stream is asked for events after the last one that is here, so a reconnect neither
 * loses nor doubles a line.
 */
export function useRunLog(
  initialRun: RunView,
  initialEvents: readonly RunEvent[],
  steps: readonly PlanStep[],
): RunLog {
  const client = useQueryClient();
  const { id } = initialRun;
  const [topic] = useState(() => () => {
    const events = client.getQueryData<readonly RunEvent[]>(queryKeys.runEvents(id));
    return `run:${id}@${events?.at(-1)?.seq ?? 0}`;
  });
  const events = useCached(queryKeys.runEvents(id), initialEvents) ?? initialEvents;
  const run = useCached(queryKeys.run(id), initialRun) ?? initialRun;
  useEventStream(topic);
  const [log] = useState(
    () =>
      new LogLines(
        new Map(steps.map(({ id, nodeId, title }, index) => [id, { nodeId, title, number: index + 1 }])),
      ),
  );
  const lines = useMemo(() => {
    log.add(events);
    return [...log.lines];
  }, [log, events]);
  const summary = useMemo(
    () =>
      toRunSummary(
        events,
        steps.map((step) => step.id),
      ),
    [events, steps],
  );
  return { run, summary, lines };
}
