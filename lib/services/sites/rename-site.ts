import { z } from 'zod';
import { AppError } from '@/lib/core/errors';
import type { SiteView } from '@/lib/topology/site-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { parseInput } from '../parse-input';
import { isUniqueViolation, transact } from '../transact';
import { getSite } from './get-site';
import { SiteName } from './site-name';

export const RenameSiteInput = z.strictObject({ siteId: z.string(), name: SiteName });

/** Gives a site another name. Throws `conflict` when the name is taken. */
export async function renameSite(ctx: ServiceContext, input: unknown): Promise<SiteView> {
  const { siteId, name } = parseInput(RenameSiteInput, input);
  authoriseOnSite(ctx, 'site.edit', siteId);
  try {
    await transact(ctx, async (tx) => {
      const before = await tx.prisma.site.findFirst({
        where: { id: siteId, deletedAt: null },
        select: { name: true },
      });
      if (!before) throw notFound('site');
      await tx.prisma.site.update({ where: { id: siteId }, data: { name }, select: { id: true } });
      await tx.audit('site.rename', siteId, { from: before.name, to: name });
      await tx.changed('site', siteId);
    });
  } catch (error) {
    if (isUniqueViolation(error)) throw nameTaken(name);
    throw error;
  }
  return getSite(ctx, { siteId });
}

/** The error of a name that another site has. */
export function nameTaken(name: string): AppError {
  const message = `There is already a site called ${name}. Pick another name.`;
  return new AppError('conflict', message, { fields: { name: 'another site has this name' } });
}
