import { cookies } from 'next/headers';
import { redirect } from 'next/navigation';
import type { ReactNode } from 'react';
import { signOut } from '@/app/(auth)/login/actions';
import { serverNowMs } from '@/app/server-now';
import { AppShell } from '@/components/shell/app-shell';
import { toPreferences } from '@/components/shell/preferences';
import { findUser } from '@/lib/auth/session';
import { env } from '@/lib/env/env';
import { listRuns } from '@/lib/services/runs/list-runs';
import { listSites } from '@/lib/services/sites/list-sites';

const HTTP_WARNING =
  'Plain http on an open address (SITEPLAN_INSECURE_HTTP): passwords and sessions can be read on the network.';

/** The frame of every page behind the sign-in. Pages ask for their own permission; this only needs to know who it is. */
export default async function AppLayout({ children }: { readonly children: ReactNode }) {
  const ctx = await findUser();
  if (!ctx) redirect('/login');
  const jar = await cookies();
  const preferences = toPreferences((name) => jar.get(name)?.value);
  const [sites, { runs }] = await Promise.all([listSites(ctx), listRuns(ctx, { limit: 50 })]);
  return (
    <AppShell
      serverNowMs={serverNowMs()}
      isRailNarrow={preferences.isRailNarrow}
      theme={preferences.theme}
      isUtc={preferences.isUtc}
      userName={ctx.actor.name}
      email={ctx.actor.email}
      sites={sites}
      runs={runs}
      warning={env().insecureHttp ? HTTP_WARNING : null}
      signOut={signOut}
    >
      {children}
    </AppShell>
  );
}
