import { apiRoute, param } from '@/app/api-route';
import { deleteCredential } from '@/lib/services/credentials/delete-credential';

export const DELETE = apiRoute(
  'DELETE /api/v1/credentials/[credentialId]',
  { status: 204 },
  ({ ctx, params }) => deleteCredential(ctx, { credentialId: param(params, 'credentialId') }),
);
