'use client';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import { applyMessage } from './apply-message';
import { EventStream, NOT_CONNECTED } from './event-stream';
import type { Connection, Topic } from './event-stream';

const stream = new EventStream();

/** Ties the tab's one stream to the query cache; used once, by the shell. */
export function useStreamIntoCache(): void {
  const client = useQueryClient();
  useEffect(() => {
    stream.onMessage((message) => {
      if (message.type === 'end' && message.reason === 'signed-out') return window.location.assign('/login');
      applyMessage(client, message);
    });
  }, [client]);
}

/** Listens to topics while the component is there. A topic that is a function must be a stable one. */
export function useEventStream(topic: Topic | null): void {
  useEffect(() => (topic === null ? undefined : stream.add(topic)), [topic]);
}

/** How the stream is doing. */
export function useConnection(): Connection {
  return useSyncExternalStore(stream.subscribe, stream.connection, () => NOT_CONNECTED);
}
