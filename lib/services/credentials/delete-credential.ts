import { z } from 'zod';
import { AppError } from '@/lib/core/errors';
import { toCount } from '@/lib/core/text';
import type { ServiceContext } from '../context';
import { authorise, notFound } from '../context';
import { parseInput } from '../parse-input';
import { transact } from '../transact';
import { countCredentialUses } from './count-uses';

export const DeleteCredentialInput = z.strictObject({ credentialId: z.string() });

/** Deletes a credential that no node uses; one's own, or any with the right to. Throws `conflict` while it is used. */
export async function deleteCredential(ctx: ServiceContext, input: unknown): Promise<void> {
  const { credentialId } = parseInput(DeleteCredentialInput, input);
  authorise(ctx, 'credential.list');
  await transact(ctx, async (tx) => {
    const credential = await tx.prisma.credential.findFirst({ where: { id: credentialId, deletedAt: null } });
    if (!credential) throw notFound('credential');
    if (credential.createdBy !== ctx.actor.email) authorise(ctx, 'credential.delete');
    const use = (await countCredentialUses(tx)).get(credentialId);
    if (use) {
      throw new AppError(
        'conflict',
        `${credential.name} is used by ${toCount(use.nodes, 'node')} (${[...use.siteNames].join(', ')}). Pick another credential there first.`,
      );
    }
    await tx.prisma.credential.update({
      where: { id: credentialId },
      data: { deletedAt: new Date(), name: `${credential.name} (deleted, ${credentialId})` },
    });
    await tx.audit('credential.delete', credentialId, { name: credential.name });
    await tx.changed('credential', credentialId);
  });
}
