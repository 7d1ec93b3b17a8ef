import { can } from '@/lib/access/can';
import { AppError } from '@/lib/core/errors';
import type { Topology } from '@/lib/topology/topology';
import type { ServiceContext } from '../context';
import { toCredentialBindings } from '../topology/credential-bindings';
import type { Transaction } from '../transact';

/**
 * Using a credential on a host is an authorised act of its own (contract 8): knowing its id is not enough. Operators
 * of all sites may use any. With a role on one site only, a person may use their own credentials, and those that the
 * stored revision already sends to the same address, port and user: a password must not be led to another host.
 * Throws `forbidden` or, for credentials that are gone, `invalid`.
 */
export async function authoriseCredentialUse(
  ctx: ServiceContext,
  tx: Pick<Transaction, 'prisma'>,
  wanted: Topology,
  stored: Topology | null,
): Promise<void> {
  const bindings = toCredentialBindings(wanted);
  const ids = [...new Set(bindings.map(({ credentialId }) => credentialId))];
  const rows = await tx.prisma.credential.findMany({
    where: { id: { in: ids }, deletedAt: null },
    select: { id: true, name: true, createdBy: true },
  });
  const byId = new Map(rows.map((row) => [row.id, row]));
  const settled = new Set(stored ? toCredentialBindings(stored).map(({ key }) => key) : []);
  const mayUseAny = can(ctx.actor.grants, 'credential.use').allowed;
  for (const { credentialId, nodeName, key } of bindings) {
    const credential = byId.get(credentialId);
    const isMine = credential?.createdBy === ctx.actor.email;
    // One answer for "not there" and "not yours", so that ids cannot be tried out.
    if (credential && (mayUseAny || isMine || settled.has(key))) continue;
    if (settled.has(key)) {
      throw new AppError('invalid', `The credential of ${nodeName} was deleted. Pick another one.`);
    }
    throw new AppError(
      'forbidden',
      `You may not use this credential on ${nodeName}, or it does not exist. Pick one of your own.`,
    );
  }
}
