import { can, toAllowedSites } from '@/lib/access/can';
import { CredentialView } from '@/lib/access/credential-view';
import type { ServiceContext } from '../context';
import { authorise } from '../context';
import { countCredentialUses } from './count-uses';

/**
 * Names and fingerprints of the credentials that the actor may use: all of them for operators of all sites, else
 * their own and those of their sites.
 */
export async function listCredentials(ctx: ServiceContext): Promise<CredentialView[]> {
  authorise(ctx, 'credential.list');
  const mayUseAny = can(ctx.actor.grants, 'credential.use').allowed;
  const sites = toAllowedSites(ctx.actor.grants, 'credential.list');
  const [rows, uses] = await Promise.all([
    ctx.db.prisma.credential.findMany({ where: { deletedAt: null }, orderBy: { name: 'asc' } }),
    countCredentialUses(ctx.db),
  ]);
  return rows
    .filter(({ id, createdBy }) => {
      const siteIds = [...(uses.get(id)?.siteIds ?? [])];
      return mayUseAny || createdBy === ctx.actor.email || siteIds.some((site) => sites.includes(site));
    })
    .map((row) =>
      CredentialView.parse({
        ...row,
        createdAt: row.createdAt.toISOString(),
        usedByNodes: uses.get(row.id)?.nodes ?? 0,
      }),
    );
}
