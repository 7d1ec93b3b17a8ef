import { apiRoute } from '@/app/api-route';
import { CredentialInput } from '@/lib/access/credential-view';
import { createCredential } from '@/lib/services/credentials/create-credential';
import { listCredentials } from '@/lib/services/credentials/list-credentials';

export const GET = apiRoute('GET /api/v1/credentials', {}, async ({ ctx }) => ({
  credentials: await listCredentials(ctx),
}));

export const POST = apiRoute(
  'POST /api/v1/credentials',
  { body: CredentialInput, status: 201 },
  ({ ctx, body }) => createCredential(ctx, body),
);
