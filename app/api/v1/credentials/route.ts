import { z } from 'zod';
import { apiRoute } from '@/app/api-route';
import { CredentialInput, CredentialView } from '@/lib/access/credential-view';
import { createCredential } from '@/lib/services/credentials/create-credential';
import { listCredentials } from '@/lib/services/credentials/list-credentials';

export const GET = apiRoute(
  'GET /api/v1/credentials',
  {
    summary: 'Lists the credentials that you may use: names and fingerprints, never a secret.',
    response: z.object({ credentials: z.array(CredentialView) }),
  },
  async ({ ctx }) => ({ credentials: await listCredentials(ctx) }),
);

export const POST = apiRoute(
  'POST /api/v1/credentials',
  {
    summary: 'Stores a credential, sealed to the workers; nobody reads its secret parts back.',
    body: CredentialInput,
    status: 201,
    response: CredentialView,
    errors: ['conflict'],
  },
  ({ ctx, body }) => createCredential(ctx, body),
);
