import { z } from 'zod';
import { SITE_SECRET_PATHS, SiteSecretField, findSiteSecretRef } from '@/lib/render/site-secret';
import { applyEdits } from '@/lib/topology/edit-topology';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { parseInput } from '../parse-input';
import { findNewestTopology } from '../topology/find-stored';
import { storeRevision } from '../topology/store-revision';
import { transact } from '../transact';

export const RemoveSiteSecretInput = z.strictObject({ siteId: z.string(), field: SiteSecretField });

/**
 * Stores a revision that does not refer to the secret any more; the next plan takes it off the hosts. The sealed row
 * stays for the revisions before. Throws `not-found` where none is set.
 */
export async function removeSiteSecret(ctx: ServiceContext, input: unknown): Promise<void> {
  const { siteId, field } = parseInput(RemoveSiteSecretInput, input);
  authoriseOnSite(ctx, 'site.edit', siteId);
  await transact(ctx, async (tx) => {
    await tx.sql.query('SELECT id FROM site WHERE id = $1 FOR UPDATE', [siteId]);
    const newest = await findNewestTopology(tx, siteId);
    if (!findSiteSecretRef(newest.topology, field)) throw notFound('secret');
    const path = [...SITE_SECRET_PATHS[field]];
    const topology = applyEdits(newest.topology, [{ op: 'remove', path }]);
    const { revision } = await storeRevision(ctx, tx, { siteId, revision: newest.revision + 1, topology });
    await tx.audit('site-secret.remove', siteId, { field, revision });
  });
}
