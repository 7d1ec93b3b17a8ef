import { useEffect, useState } from 'react';

/** What the server says of itself: whether it and its database can work at all. */
export type Readiness = 'unknown' | 'ready' | 'not-ready' | 'no-answer';

const ASK_EVERY_MS = 3_000;

async function ask(signal: AbortSignal): Promise<Readiness> {
  try {
    const { ok } = await fetch('/readyz', { cache: 'no-store', signal });
    return ok ? 'ready' : 'not-ready';
  } catch {
    return 'no-answer';
  }
}

/** Asks the server every few seconds while the page stands; calls `onBack` once when it works again after it did not. */
export function useReadiness(onBack: () => void): Readiness {
  const [readiness, setReadiness] = useState<Readiness>('unknown');
  useEffect(() => {
    const stop = new AbortController();
    let wasAway = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      const found = await ask(stop.signal);
      if (stop.signal.aborted) return;
      setReadiness(found);
      if (found === 'ready' && wasAway) return onBack();
      wasAway ||= found !== 'ready';
      timer = setTimeout(() => void look(), ASK_EVERY_MS);
    };
    void look();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [onBack]);
  return readiness;
}
