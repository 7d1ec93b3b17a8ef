'use client';
import { useNow } from '@/components/ui/clock';
import { useConnection } from './use-event-stream';

/**
 * The server's time in milliseconds, new each second: ages of data are measured by the clock that dated the data, not
 * by that of a laptop.
 */
export function useServerNow(): number {
  return useNow() + useConnection().clockOffsetMs;
}
