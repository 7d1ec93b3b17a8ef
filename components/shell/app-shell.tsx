'use client';
import type { ReactNode } from 'react';
import type { RunView } from '@/lib/run/run-view';
import type { SiteView } from '@/lib/topology/site-view';
import { QueryProvider } from '@/components/live/query-provider';
import { useEventStream, useStreamIntoCache } from '@/components/live/use-event-stream';
import { useRuns, useSites } from '@/components/live/use-live';
import { Announcer } from '@/components/ui/announcer';
import { ClockProvider } from '@/components/ui/clock';
import { Header } from './header';
import type { UserMenuProps } from './user-menu';
import { Rail } from './rail';

interface Props extends UserMenuProps {
  readonly serverNowMs: number;
  readonly isRailNarrow: boolean;
  readonly sites: readonly SiteView[];
  readonly runs: readonly RunView[];
  /** A warning that stands on every page, such as plain http on an open address. */
  readonly warning: string | null;
  readonly children: ReactNode;
}

/** Rail, header and the page; and the one event stream that keeps all of it fresh. */
export function AppShell({ serverNowMs, isRailNarrow, sites, runs, warning, children, ...user }: Props) {
  return (
    <QueryProvider>
      <ClockProvider serverNowMs={serverNowMs} isUtc={user.isUtc}>
        <LiveData sites={sites} runs={runs} />
        <a
          href="#main"
          className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:border focus:border-ink focus:bg-raised focus:px-3 focus:py-2"
        >
          Skip to the page
        </a>
        <div className="flex min-h-screen">
          <Rail isNarrow={isRailNarrow} />
          <div className="flex min-w-0 flex-1 flex-col">
            <Header {...user} />
            {warning && <p className="border-b border-degraded px-4 py-1 text-degraded">{warning}</p>}
            <main id="main" tabIndex={-1} className="flex min-h-0 min-w-0 flex-1 flex-col p-4 outline-none">
              {children}
            </main>
          </div>
        </div>
        <Announcer />
      </ClockProvider>
    </QueryProvider>
  );
}

/** Listens to what every page shows: all sites and all runs that the viewer may see. */
function LiveData({ sites, runs }: Pick<Props, 'sites' | 'runs'>) {
  useStreamIntoCache();
  useEventStream('sites');
  useEventStream('runs');
  useSites(sites);
  useRuns(runs);
  return null;
}
