'use client';
import { useEffect, useState, useSyncExternalStore } from 'react';
import type { RunEvent } from '@/lib/run/run-event';
import type { LogStep } from '@/lib/run/to-log-note';
import type { RunTail } from '@/components/live/run-tail';
import { LogStore } from './log-store';
import type { LogPage, LogQuery, LogSnapshot } from './log-store';

interface Options {
  readonly runId: string;
  readonly stepId: string | null;
  readonly steps: ReadonlyMap<string, LogStep>;
  readonly tail: RunTail;
}

/** Reads a part of a run's log from the server. */
async function readPart(runId: string, stepId: string | null, query: LogQuery): Promise<LogPage> {
  const asked = new URLSearchParams(
    Object.entries({ ...query, ...(stepId !== null && { step: stepId }) }).map(([key, value]) => [
      key,
      String(value),
    ]),
  );
  const response = await fetch(`/api/v1/runs/${encodeURIComponent(runId)}/events?${asked.toString()}`);
  if (!response.ok) throw new Error(`the log answered ${response.status}`);
  return (await response.json()) as { events: RunEvent[]; more: boolean }; // our own server's shape
}

/** A window on one run's log, or one step's, that follows the end; for the life of the component. */
export function useLogStore({ runId, stepId, steps, tail }: Options): [LogStore, LogSnapshot] {
  const [store] = useState(
    () => new LogStore({ steps, stepId, tail, read: (query) => readPart(runId, stepId, query) }),
  );
  const snapshot = useSyncExternalStore(store.subscribe, store.snapshot, store.snapshot);
  useEffect(() => void store.start(), [store]);
  useEffect(() => store.follow(tail), [store, tail]);
  return [store, snapshot];
}
