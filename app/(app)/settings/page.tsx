import type { Metadata } from 'next';
import { headers } from 'next/headers';
import { PasswordForm } from '@/components/settings/password-form';
import { SecondFactor } from '@/components/settings/second-factor';
import { Facts, Panel } from '@/components/ui/panels';
import { webRuntime } from '@/lib/auth/runtime';
import { requireUser } from '@/lib/auth/session';
import { changePassword, confirmTwoFactor, startTwoFactor, stopTwoFactor } from './actions';

export const metadata: Metadata = { title: 'Profile' };

export default async function ProfilePage() {
  const { actor } = await requireUser('page /settings');
  const { auth } = await webRuntime();
  const session = await auth.api.getSession({ headers: await headers() });
  const grants = actor.grants.map((grant) => `${grant.role} on ${grant.siteId ?? 'all sites'}`);
  return (
    <div className="grid max-w-240 items-start gap-4 md:grid-cols-2 xl:max-w-none xl:grid-cols-3">
      <h1 className="sr-only">Profile</h1>
      <Panel label="you">
        <div className="p-3">
          <Facts
            entries={[
              ['name', actor.name],
              ['e-mail', actor.email],
              ['may', grants.join(', ') || 'nothing yet'],
            ]}
          />
        </div>
      </Panel>
      <Panel label="password">
        <div className="p-3">
          <PasswordForm email={actor.email} changePassword={changePassword} />
        </div>
      </Panel>
      <Panel label="second step">
        <div className="p-3">
          <SecondFactor
            isOn={session?.user.twoFactorEnabled === true}
            startTwoFactor={startTwoFactor}
            confirmTwoFactor={confirmTwoFactor}
            stopTwoFactor={stopTwoFactor}
          />
        </div>
      </Panel>
    </div>
  );
}
