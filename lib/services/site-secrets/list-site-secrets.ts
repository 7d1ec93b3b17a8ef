import { z } from 'zod';
import type { SiteSecretView } from '@/lib/render/site-secret';
import { SiteSecretField, findSiteSecretRef } from '@/lib/render/site-secret';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';
import { parseInput } from '../parse-input';
import { findNewestTopology } from '../topology/find-stored';

export const ListSiteSecretsInput = z.object({ siteId: z.string() });

/** Which secrets a site has, since when and from whom: the first revision that refers to a secret was stored with it. */
export async function listSiteSecrets(ctx: ServiceContext, input: unknown): Promise<SiteSecretView[]> {
  const { siteId } = parseInput(ListSiteSecretsInput, input);
  authoriseOnSite(ctx, 'site.view', siteId);
  const { topology } = await findNewestTopology(ctx.db, siteId);
  return Promise.all(
    SiteSecretField.options.map(async (field) => {
      const ref = findSiteSecretRef(topology, field);
      if (!ref) return { field, version: null, setAt: null, setBy: null };
      const first = await ctx.db.prisma.topologyRevision.findFirst({
        where: { siteId, document: { contains: `"${ref.id}"` } },
        orderBy: { revision: 'asc' },
        select: { createdAt: true, createdBy: true },
      });
      return {
        field,
        version: ref.version,
        setAt: first?.createdAt.toISOString() ?? null,
        setBy: first?.createdBy ?? null,
      };
    }),
  );
}
