'use client';
import { useRouter } from 'next/navigation';
import { useMemo, useState } from 'react';
import type { UserRole } from '@/lib/access/permission';
import type { UserView } from '@/lib/access/user-view';
import type { ActionResult } from '@/lib/core/action-result';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { DataTable } from '@/components/ui/data-table';
import type { Columns } from '@/components/ui/data-table';
import { Dialog } from '@/components/ui/dialog';
import { RelativeTime } from '@/components/ui/relative-time';
import { StateMark } from '@/components/ui/state-mark';
import { useAction } from '@/components/ui/use-action';
import { GrantsDialog } from './grants-dialog';
import type { SetGrants } from './grants-dialog';
import { OneTimeText } from './one-time-text';
import { UserForm } from './user-form';
import type { CreateUser, NamedSite } from './user-form';

interface Props {
  readonly users: readonly UserView[];
  readonly sites: readonly NamedSite[];
  readonly ownId: string;
  readonly createUser: CreateUser;
  readonly resetUser: (input: { userId: string }) => Promise<ActionResult<{ link: string }>>;
  readonly setGrants: SetGrants;
  readonly setUserDisabled: (input: { userId: string; disabled: boolean }) => Promise<ActionResult<UserView>>;
}

function toState(user: UserView): React.ReactNode {
  if (user.disabled) return <StateMark shape="slashed-ring" ink="ink-soft" word="disabled" />;
  if (!user.hasPassword) return <StateMark shape="ring" ink="ink-soft" word="invited" />;
  return <StateMark shape="circle" ink="ink-soft" word="active" />;
}

function toGrantWords(
  grants: readonly { siteName: string | null; siteId: string | null; role: UserRole }[],
): string {
  return grants
    .map(
      (grant) => `${grant.role} on ${grant.siteId === null ? 'all sites' : (grant.siteName ?? grant.siteId)}`,
    )
    .join(', ');
}

/** People and what they may do. */
export function UsersTable(props: Props) {
  const { users, sites, ownId, createUser, resetUser, setGrants, setUserDisabled } = props;
  const [editing, setEditing] = useState<UserView | null>(null);
  const router = useRouter();
  const [isOpen, setIsOpen] = useState(false);
  const [link, setLink] = useState<string | null>(null);
  const reset = useAction(resetUser);
  const disable = useAction(setUserDisabled);
  const isBusy = reset.isBusy || disable.isBusy;
  const [runReset, runDisable] = [reset.run, disable.run];
  const columns = useMemo(
    (): Columns<UserView> => [
      { id: 'email', header: 'e-mail', accessorKey: 'email' },
      { id: 'name', header: 'name', accessorKey: 'name' },
      {
        id: 'state',
        header: 'state',
        accessorFn: (user) => (user.disabled ? 'disabled' : 'active'),
        cell: ({ row }) => toState(row.original),
      },
      { id: 'grants', header: 'may', accessorFn: (user) => toGrantWords(user.grants) },
      { id: 'factor', header: 'second step', accessorFn: (user) => (user.twoFactor ? 'on' : 'off') },
      {
        id: 'created',
        header: 'added',
        accessorKey: 'createdAt',
        cell: ({ row }) => <RelativeTime at={row.original.createdAt} />,
      },
      {
        id: 'actions',
        header: () => <span className="sr-only">actions</span>,
        enableSorting: false,
        cell: ({ row: { original } }) => (
          <span className="flex gap-1">
            <Button
              isCompact
              look="quiet"
              aria-label={`Grants of ${original.name}`}
              onClick={() => setEditing(original)}
            >
              Grants
            </Button>
            <Button
              isCompact
              look="quiet"
              isBusy={isBusy}
              onClick={() => runReset({ userId: original.id }, (value) => setLink(value.link))}
            >
              New link
            </Button>
            <Button
              isCompact
              look="quiet"
              isBusy={isBusy}
              reason={original.id === ownId ? 'You cannot disable yourself.' : null}
              onClick={() =>
                runDisable({ userId: original.id, disabled: !original.disabled }, () => router.refresh())
              }
            >
              {original.disabled ? 'Enable' : 'Disable'}
            </Button>
          </span>
        ),
      },
    ],
    [isBusy, ownId, router, runReset, runDisable],
  );
  return (
    <>
      <ActionErrorPanel error={reset.error ?? disable.error} />
      <DataTable
        label="Users"
        columns={columns}
        rows={users}
        toKey={(user) => user.id}
        filterLabel="Filter users"
        aside={
          <Button look="primary" onClick={() => setIsOpen(true)}>
            Invite a user
          </Button>
        }
      />
      <Dialog isOpen={isOpen} onClose={() => setIsOpen(false)} title="Invite a user">
        <UserForm
          sites={sites}
          createUser={createUser}
          onCreated={(made) => {
            setIsOpen(false);
            setLink(made);
            router.refresh();
          }}
        />
      </Dialog>
      <GrantsDialog
        user={editing}
        sites={sites}
        setGrants={setGrants}
        onClose={() => setEditing(null)}
        onStored={() => {
          setEditing(null);
          router.refresh();
        }}
      />
      <OneTimeText title="Link to hand over" text={link} onClose={() => setLink(null)}>
        Give this link to the person on a way that you trust. It works once, and it is shown this once.
      </OneTimeText>
    </>
  );
}
