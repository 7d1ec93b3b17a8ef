'use client';
import { useRouter } from 'next/navigation';
import { useMemo, useState } from 'react';
import type { CredentialView } from '@/lib/access/credential-view';
import type { ActionResult } from '@/lib/core/action-result';
import { toCount } from '@/lib/core/text';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { DataTable } from '@/components/ui/data-table';
import type { Columns } from '@/components/ui/data-table';
import { EmptyState } from '@/components/ui/panels';
import { RelativeTime } from '@/components/ui/relative-time';
import { useAction } from '@/components/ui/use-action';
import { CredentialDialog } from './credential-dialog';
import type { CreateCredential } from './credential-dialog';

interface Props {
  readonly credentials: readonly CredentialView[];
  /** Why the viewer may not add one; null when they may. */
  readonly refusal: string | null;
  readonly createCredential: CreateCredential;
  /** Workers have an ssh-agent, and this person may lend it to hosts. */
  readonly offersAgent: boolean;
  readonly deleteCredential: (input: { credentialId: string }) => Promise<ActionResult<null>>;
}

/** Credentials by name; never what is secret about them. */
export function CredentialsTable(props: Props) {
  const { credentials, refusal, createCredential, offersAgent, deleteCredential } = props;
  const router = useRouter();
  const [isOpen, setIsOpen] = useState(false);
  const { run, isBusy, error } = useAction(deleteCredential);
  const columns = useMemo(
    (): Columns<CredentialView> => [
      { id: 'name', header: 'name', accessorKey: 'name' },
      { id: 'kind', header: 'kind', accessorKey: 'kind' },
      {
        id: 'fingerprint',
        header: 'fingerprint',
        accessorKey: 'publicInfo',
        cell: ({ row }) => <span className="font-mono text-11">{row.original.publicInfo || '–'}</span>,
      },
      {
        id: 'uses',
        header: 'used by',
        accessorKey: 'usedByNodes',
        cell: ({ row }) => toCount(row.original.usedByNodes, 'node'),
      },
      {
        id: 'created',
        header: 'added',
        accessorKey: 'createdAt',
        cell: ({ row }) => (
          <>
            <RelativeTime at={row.original.createdAt} /> by {row.original.createdBy}
          </>
        ),
      },
      {
        id: 'actions',
        header: () => <span className="sr-only">actions</span>,
        enableSorting: false,
        cell: ({ row: { original } }) => (
          <Button
            isCompact
            look="quiet"
            isBusy={isBusy}
            aria-label={`Delete ${original.name}`}
            reason={
              original.usedByNodes > 0 ? 'Nodes still use it. Give them another credential first.' : null
            }
            onClick={() => run({ credentialId: original.id }, () => router.refresh())}
          >
            Delete
          </Button>
        ),
      },
    ],
    [isBusy, run, router],
  );
  const add = (
    <Button look="primary" reason={refusal} onClick={() => setIsOpen(true)}>
      New credential
    </Button>
  );
  return (
    <>
      <ActionErrorPanel error={error} />
      <DataTable
        label="Credentials"
        columns={columns}
        rows={credentials}
        toKey={(credential) => credential.id}
        filterLabel="Filter credentials"
        aside={add}
        empty={
          <EmptyState title="No credential yet" action={add}>
            A credential is how Siteplan signs in to hosts: a private key or a password. Its secret part is
            sealed to the workers and never shown again.
          </EmptyState>
        }
      />
      <CredentialDialog
        isOpen={isOpen}
        onClose={() => setIsOpen(false)}
        createCredential={createCredential}
        offersAgent={offersAgent}
        onCreated={() => {
          setIsOpen(false);
          router.refresh();
        }}
      />
    </>
  );
}
