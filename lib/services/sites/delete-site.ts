import { z } from 'zod';
import { AppError } from '@/lib/core/errors';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { parseInput } from '../parse-input';
import { transact } from '../transact';

export const DeleteSiteInput = z.strictObject({ siteId: z.string(), typedName: z.string() });

/**
 * Takes a site out of Siteplan; its hosts are not touched. The row stays for its runs and the audit, under another
 * name. Wants the site's name typed; refuses while a run is active.
 */
export async function deleteSite(ctx: ServiceContext, input: unknown): Promise<void> {
  const { siteId, typedName } = parseInput(DeleteSiteInput, input);
  authoriseOnSite(ctx, 'site.delete', siteId);
  await transact(ctx, async (tx) => {
    // The row lock keeps a run from being created between the look and the deletion.
    await tx.sql.query('SELECT id FROM site WHERE id = $1 FOR UPDATE', [siteId]);
    const site = await tx.prisma.site.findFirst({
      where: { id: siteId, deletedAt: null },
      select: { name: true },
    });
    if (!site) throw notFound('site');
    if (typedName !== site.name) {
      throw new AppError('invalid', `The typed name is not ${site.name}.`, {
        fields: { typedName: `type ${site.name}` },
      });
    }
    const active = await tx.prisma.run.count({ where: { siteId, state: { in: ['queued', 'running'] } } });
    if (active > 0)
      throw new AppError('conflict', 'A run is active on this site. Cancel it or wait for its end.');
    await tx.prisma.site.update({
      where: { id: siteId },
      data: { deletedAt: new Date(), name: `${site.name} (deleted, ${siteId})` },
      select: { id: true },
    });
    await tx.audit('site.delete', siteId, { name: site.name });
    await tx.changed('site', siteId);
  });
}
