'use client';
import { useRouter } from 'next/navigation';
import { useMemo, useState } from 'react';
import type { UserRole } from '@/lib/access/permission';
import type { ApiTokenView } from '@/lib/access/user-view';
import type { ActionResult } from '@/lib/core/action-result';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { DataTable } from '@/components/ui/data-table';
import type { Columns } from '@/components/ui/data-table';
import { Dialog } from '@/components/ui/dialog';
import { Field } from '@/components/ui/field';
import { Input, Select } from '@/components/ui/input';
import { EmptyState } from '@/components/ui/panels';
import { RelativeTime } from '@/components/ui/relative-time';
import { useAction } from '@/components/ui/use-action';
import { OneTimeText } from './one-time-text';

type CreateToken = (input: {
  name: string;
  role: UserRole;
  days: number;
}) => Promise<ActionResult<{ token: string; view: ApiTokenView }>>;

interface Props {
  readonly tokens: readonly ApiTokenView[];
  readonly createApiToken: CreateToken;
  readonly revokeApiToken: (input: { tokenId: string }) => Promise<ActionResult<null>>;
}

/** The viewer's own tokens for the HTTP API. */
export function TokensTable({ tokens, createApiToken, revokeApiToken }: Props) {
  const router = useRouter();
  const [isOpen, setIsOpen] = useState(false);
  const [token, setToken] = useState<string | null>(null);
  const revoke = useAction(revokeApiToken);
  const { run, isBusy } = revoke;
  const columns = useMemo(
    (): Columns<ApiTokenView> => [
      { id: 'name', header: 'name', accessorKey: 'name' },
      { id: 'role', header: 'role, at most', accessorKey: 'role' },
      {
        id: 'created',
        header: 'made',
        accessorKey: 'createdAt',
        cell: ({ row }) => <RelativeTime at={row.original.createdAt} />,
      },
      {
        id: 'expires',
        header: 'ends',
        accessorKey: 'expiresAt',
        cell: ({ row }) => <RelativeTime at={row.original.expiresAt} />,
      },
      {
        id: 'used',
        header: 'last used',
        accessorFn: (row) => row.lastUsedAt ?? '',
        cell: ({ row }) =>
          row.original.lastUsedAt ? <RelativeTime at={row.original.lastUsedAt} /> : 'never',
      },
      {
        id: 'actions',
        header: () => <span className="sr-only">actions</span>,
        enableSorting: false,
        cell: ({ row: { original } }) =>
          original.revokedAt ? (
            <span className="text-soft">revoked</span>
          ) : (
            <Button
              isCompact
              look="quiet"
              isBusy={isBusy}
              aria-label={`Revoke ${original.name}`}
              onClick={() => run({ tokenId: original.id }, () => router.refresh())}
            >
              Revoke
            </Button>
          ),
      },
    ],
    [isBusy, run, router],
  );
  const add = (
    <Button look="primary" onClick={() => setIsOpen(true)}>
      New token
    </Button>
  );
  return (
    <>
      <ActionErrorPanel error={revoke.error} />
      <DataTable
        label="API tokens"
        columns={columns}
        rows={tokens}
        toKey={(each) => each.id}
        aside={add}
        empty={
          <EmptyState title="No token yet" action={add}>
            A token lets a program use the HTTP API as you, with at most the role that you give it.
          </EmptyState>
        }
      />
      <Dialog isOpen={isOpen} onClose={() => setIsOpen(false)} title="New token">
        <TokenForm
          createApiToken={createApiToken}
          onCreated={(made) => {
            setIsOpen(false);
            setToken(made);
            router.refresh();
          }}
        />
      </Dialog>
      <OneTimeText title="Your token" text={token} onClose={() => setToken(null)}>
        It is shown this once. Send it as Authorization: Bearer.
      </OneTimeText>
    </>
  );
}

interface FormProps {
  readonly createApiToken: CreateToken;
  readonly onCreated: (token: string) => void;
}

function TokenForm({ createApiToken, onCreated }: FormProps) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<UserRole>('viewer');
  const [days, setDays] = useState('90');
  const { run, isBusy, error } = useAction(createApiToken);
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        run({ name, role, days: Number(days) }, (value) => onCreated(value.token));
      }}
    >
      <Field label="Name" help="What uses it." error={error?.fields?.name}>
        {(ids) => (
          <Input {...ids} required autoFocus value={name} onChange={(event) => setName(event.target.value)} />
        )}
      </Field>
      <Field label="Role, at most" error={error?.fields?.role}>
        {(ids) => (
          <Select
            {...ids}
            value={role}
            onChange={(event) => setRole(event.target.value as UserRole /* the options below */)}
          >
            <option value="viewer">viewer</option>
            <option value="operator">operator</option>
            <option value="admin">admin</option>
          </Select>
        )}
      </Field>
      <Field label="Ends after" error={error?.fields?.days}>
        {(ids) => (
          <Input
            {...ids}
            isMono
            inputMode="numeric"
            unit="days"
            value={days}
            onChange={(event) => setDays(event.target.value)}
          />
        )}
      </Field>
      <ActionErrorPanel error={error} />
      <Button type="submit" look="primary" isBusy={isBusy} className="self-end">
        Make the token
      </Button>
    </form>
  );
}
