'use client';
import { useSyncExternalStore } from 'react';

const never = () => () => undefined;

/**
 * False while React takes over what the server has painted, true from then on. Live data may arrive in between; what
 * is shown must be the server's until the take-over is done.
 */
export function useHydrated(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
}
