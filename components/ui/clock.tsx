'use client';
import { createContext, useContext, useMemo, useSyncExternalStore } from 'react';
import type { ReactNode } from 'react';

interface ClockSettings {
  /** The server's time when the page was made, so that the first paint in the browser says the same. */
  readonly serverNowMs: number;
  readonly isUtc: boolean;
}

const ClockContext = createContext<ClockSettings>({ serverNowMs: 0, isUtc: false });

export function ClockProvider({
  serverNowMs,
  isUtc,
  children,
}: ClockSettings & { readonly children: ReactNode }) {
  const value = useMemo(() => ({ serverNowMs, isUtc }), [serverNowMs, isUtc]);
  return <ClockContext value={value}>{children}</ClockContext>;
}

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let nowMs = 0;

/** One timer for all clocks of the tab; it stands still while nobody looks. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    nowMs = Date.now();
    for (const each of listeners) each();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The time now in milliseconds, new each `stepMs`; the component renders again only when a step has passed. */
export function useNow(stepMs = 1000): number {
  const { serverNowMs } = useContext(ClockContext);
  return useSyncExternalStore(
    subscribe,
    () => {
      if (timer === undefined || nowMs === 0) nowMs = Date.now();
      return Math.floor(nowMs / stepMs) * stepMs;
    },
    () => Math.floor(serverNowMs / stepMs) * stepMs,
  );
}

/** Whether times are shown in UTC; otherwise in the viewer's zone. */
export function useIsUtc(): boolean {
  return useContext(ClockContext).isUtc;
}
