import type { ReactNode } from 'react';
import { SettingsNav } from '@/components/settings/settings-nav';
import type { SettingsEntry } from '@/components/settings/settings-nav';
import { can } from '@/lib/access/can';
import type { Permission } from '@/lib/access/permission';
import { findUser } from '@/lib/auth/session';

const ENTRIES: readonly (SettingsEntry & { readonly needs: Permission | null })[] = [
  { href: '/settings', word: 'Profile', needs: null },
  { href: '/settings/credentials', word: 'Credentials', needs: 'credential.list' },
  { href: '/settings/tokens', word: 'API tokens', needs: null },
  { href: '/settings/users', word: 'Users', needs: 'user.manage' },
  { href: '/settings/audit', word: 'Audit', needs: 'audit.view' },
];

/** The settings' own navigation; each page asks for its permission itself. */
export default async function SettingsLayout({ children }: { readonly children: ReactNode }) {
  const ctx = await findUser();
  const entries = ENTRIES.filter(
    ({ needs }) => needs === null || (ctx && can(ctx.actor.grants, needs).allowed),
  );
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-4">
      <SettingsNav entries={entries.map(({ href, word }) => ({ href, word }))} />
      {children}
    </div>
  );
}
