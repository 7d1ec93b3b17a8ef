import { AppError } from '@/lib/core/errors';
import type { Database } from '@/lib/db/connect';
import type { Env } from '@/lib/env/env';
import { env } from '@/lib/env/env';
import { loadSymmetricKey } from '@/lib/secrets/keys';
import { createFirstAdmin, createSetupLink } from './accounts';

/**
 * Sees to it that somebody can sign in: with `admin` set, creates that administrator when there is nobody yet;
 * without, returns the token of a new one-time set-up link (`/setup?token=…`). Null when somebody has an account.
 */
export async function ensureFirstAdmin(db: Database, admin: Env['admin']): Promise<string | null> {
  if (!admin) return createSetupLink(db);
  const auditKey = await loadSymmetricKey(env().keysDir, 'audit');
  const by = { email: 'siteplan start', ip: '', requestId: '' };
  try {
    await createFirstAdmin({ db, auditKey, by }, { ...admin, name: admin.email });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'conflict') throw error;
  }
  return null;
}
