import { toAnsibleInventory } from '@/lib/bundle/ansible-inventory';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { findNewestTopology } from '../topology/find-stored';

/** The Ansible inventory of a site's newest revision: YAML that says nothing beyond the topology. Throws `not-found`. */
export async function getInventory(
  ctx: ServiceContext,
  input: { siteId: string },
): Promise<{ fileName: string; text: string }> {
  const { siteId } = input;
  authoriseOnSite(ctx, 'site.view', siteId);
  const site = await ctx.db.prisma.site.findFirst({
    where: { id: siteId, deletedAt: null },
    select: { name: true },
  });
  if (!site) throw notFound('site');
  const { topology, revision } = await findNewestTopology(ctx.db, siteId);
  return {
    fileName: `${siteId}-r${revision}-inventory.yaml`,
    text: toAnsibleInventory(site.name, revision, topology),
  };
}
