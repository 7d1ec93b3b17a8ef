import type { Metadata } from 'next';
import { TokensTable } from '@/components/settings/tokens-table';
import { requireUser } from '@/lib/auth/session';
import { listApiTokens } from '@/lib/services/api-tokens/list-api-tokens';
import { createApiToken, revokeApiToken } from '../actions';

export const metadata: Metadata = { title: 'API tokens' };

export default async function TokensPage() {
  const ctx = await requireUser('page /settings/tokens');
  const tokens = await listApiTokens(ctx);
  return (
    <>
      <h1 className="sr-only">API tokens</h1>
      <TokensTable tokens={tokens} createApiToken={createApiToken} revokeApiToken={revokeApiToken} />
    </>
  );
}
