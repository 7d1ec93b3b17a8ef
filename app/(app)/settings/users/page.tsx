import type { Metadata } from 'next';
import { UsersTable } from '@/components/settings/users-table';
import { requireUser } from '@/lib/auth/session';
import { listSites } from '@/lib/services/sites/list-sites';
import { listUsers } from '@/lib/services/users/list-users';
import { createUser, resetUser, setGrants, setUserDisabled } from '../actions';

export const metadata: Metadata = { title: 'Users' };

export default async function UsersPage() {
  const ctx = await requireUser('page /settings/users');
  const [users, sites] = await Promise.all([listUsers(ctx), listSites(ctx)]);
  return (
    <>
      <h1 className="sr-only">Users</h1>
      <UsersTable
        users={users}
        sites={sites.map(({ id, name }) => ({ id, name }))}
        ownId={ctx.actor.userId}
        createUser={createUser}
        resetUser={resetUser}
        setGrants={setGrants}
        setUserDisabled={setUserDisabled}
      />
    </>
  );
}
