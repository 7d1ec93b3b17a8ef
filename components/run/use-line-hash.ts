'use client';
import { useSyncExternalStore } from 'react';

const PREFIX = '#line-';

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
}

function read(): string | null {
  const { hash } = window.location;
  return hash.startsWith(PREFIX) ? hash.slice(PREFIX.length) : null;
}

/** The line that the URL's fragment names, and a way to name another one. */
export function useLineHash(): [string | null, (lineId: string) => void] {
  const lineId = useSyncExternalStore(subscribe, read, () => null);
  return [lineId, (next) => (window.location.hash = `${PREFIX}${next}`)];
}
