'use client';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useState } from 'react';
import type { ReactNode } from 'react';
import { queryKeys } from './query-keys';

/** The browser's copy of what the server said; the event stream keeps it fresh, so nothing is fetched again by itself. */
export function QueryProvider({ children }: { readonly children: ReactNode }) {
  const [client] = useState(() => {
    const made = new QueryClient({
      defaultOptions: {
        queries: { staleTime: Infinity, gcTime: 5 * 60_000, retry: 1, refetchOnWindowFocus: false },
      },
    });
    // A tail moves on with each batch: comparing it with the one before would copy megabytes for nothing.
    made.setQueryDefaults(queryKeys.runTails(), { structuralSharing: false });
    return made;
  });
  return <QueryClientProvider client={client}>{children}</QueryClientProvider>;
}
