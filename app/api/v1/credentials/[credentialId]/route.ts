import { apiRoute, param } from '@/app/api-route';
import { deleteCredential } from '@/lib/services/credentials/delete-credential';

export const DELETE = apiRoute(
  'DELETE /api/v1/credentials/[credentialId]',
  { summary: 'Deletes a credential that no host uses.', status: 204, errors: ['conflict'] },
  ({ ctx, params }) => deleteCredential(ctx, { credentialId: param(params, 'credentialId') }),
);
