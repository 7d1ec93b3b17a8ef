import type { SecretRef } from '@/lib/topology/topology';
import { SecretId } from '@/lib/core/ids';
import { seal } from '@/lib/secrets/seal';
import type { ServiceContext } from './context';
import { newId } from './context';
import type { Transaction } from './transact';

/** Purposes of sealed rows; the owner is the id of the site or credential that they belong to. */
export type SecretPurpose =
  'credential' | 'server-token' | 'agent-token' | 'tailscale-auth-key' | 's3-access-key' | 's3-secret-key';

/**
 * Seals `plaintext` to the workers and stores it as the next version of (purpose, owner). Nothing of the web process
 * can read it back. Each version is a row with an id of its own.
 */
export async function storeSecret(
  ctx: ServiceContext,
  tx: Transaction,
  secret: { purpose: SecretPurpose; owner: string; plaintext: string },
): Promise<SecretRef> {
  const { purpose, owner, plaintext } = secret;
  const newest = await tx.prisma.secret.findFirst({
    where: { purpose, owner },
    select: { version: true },
    orderBy: { version: 'desc' },
  });
  const id = newId('k');
  const version = (newest?.version ?? 0) + 1;
  // Read once: `seal.pub` may be replaced at any time, and the row says which key opens it.
  const recipient = ctx.keys.seal;
  const sealed = seal(recipient, Buffer.from(plaintext, 'utf8'), { purpose, owner, id, version });
  // Prisma's own INSERT asks for every column back, and `sealed` is not for this role to read.
  await tx.sql.query(
    'INSERT INTO secret (id, version, purpose, owner, key_id, sealed) VALUES ($1, $2::int, $3, $4, $5, $6::bytea)',
    [id, version, purpose, owner, recipient.keyId, sealed],
  );
  return { id: SecretId.parse(id), version };
}
