import type { Metadata } from 'next';
import { CredentialsTable } from '@/components/settings/credentials-table';
import { can } from '@/lib/access/can';
import { requireUser } from '@/lib/auth/session';
import { listCredentials } from '@/lib/services/credentials/list-credentials';
import { offersAgent } from '@/app/offers-agent';
import { createCredential } from '@/app/(app)/sites/new/actions';
import { deleteCredential } from '../actions';

export const metadata: Metadata = { title: 'Credentials' };

export default async function CredentialsPage() {
  const ctx = await requireUser('page /settings/credentials');
  const credentials = await listCredentials(ctx);
  const mayCreate = can(ctx.actor.grants, 'credential.create');
  return (
    <>
      <h1 className="sr-only">Credentials</h1>
      <CredentialsTable
        credentials={credentials}
        refusal={mayCreate.allowed ? null : mayCreate.reason}
        createCredential={createCredential}
        offersAgent={offersAgent(ctx)}
        deleteCredential={deleteCredential}
      />
    </>
  );
}
