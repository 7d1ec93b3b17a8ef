import { z } from 'zod';
import type { SiteSecretView } from '@/lib/render/site-secret';
import { SITE_SECRET_PATHS, SiteSecretField, SiteSecretValue } from '@/lib/render/site-secret';
import { AppError } from '@/lib/core/errors';
import { applyEdits } from '@/lib/topology/edit-topology';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';
import { parseInput } from '../parse-input';
import { storeSecret } from '../store-secret';
import { findNewestTopology } from '../topology/find-stored';
import { storeRevision } from '../topology/store-revision';
import { transact } from '../transact';

export const SetSiteSecretInput = z.strictObject({
  siteId: z.string(),
  field: SiteSecretField,
  value: SiteSecretValue,
});

/**
 * Seals a secret of a site to the workers as its next version, and stores a revision whose topology refers to it. The
 * value is never read back (S4). Throws `conflict` while the topology has no place for the reference.
 */
export async function setSiteSecret(ctx: ServiceContext, input: unknown): Promise<SiteSecretView> {
  const { siteId, field, value } = parseInput(SetSiteSecretInput, input);
  authoriseOnSite(ctx, 'site.edit', siteId);
  return transact(ctx, async (tx) => {
    await tx.sql.query('SELECT id FROM site WHERE id = $1 FOR UPDATE', [siteId]);
    const newest = await findNewestTopology(tx, siteId);
    if (!newest.topology.etcd.snapshots.s3) {
      throw new AppError('conflict', 'This site has no S3 store yet. Set its endpoint and bucket first.');
    }
    const ref = await storeSecret(ctx, tx, { purpose: field, owner: siteId, plaintext: value });
    const path = [...SITE_SECRET_PATHS[field]];
    const topology = applyEdits(newest.topology, [{ op: 'set', path, value: ref }]);
    const { revision, createdAt, createdBy } = await storeRevision(ctx, tx, {
      siteId,
      revision: newest.revision + 1,
      topology,
    });
    await tx.audit('site-secret.set', siteId, { field, version: ref.version, revision });
    return { field, version: ref.version, setAt: createdAt, setBy: createdBy };
  });
}
