import { z } from 'zod';
import { AppError } from '@/lib/core/errors';
import type { Topology } from '@/lib/topology/topology';
import type { TopologyView } from '@/lib/topology/topology-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';
import { authoriseCredentialUse } from '../credentials/authorise-use';
import { parseInput } from '../parse-input';
import { transact } from '../transact';
import { findNewestTopology } from './find-stored';
import { parseDocument } from './parse-document';
import { refuseForeignSecrets, refuseOlderKeys } from './secret-refs';
import { storeRevision, toStoredDocument } from './store-revision';

export const PutTopologyInput = z.strictObject({
  siteId: z.string(),
  /** A document, or YAML text. */
  topology: z.unknown(),
  /** ETag of the revision that the change starts from. */
  etag: z.string(),
});

/**
 * Stores a new revision if nobody saved since `etag` (`precondition-failed` otherwise). Join tokens, and the keys of an
 * S3 store that stays, are what they were when left out; other keys than the present ones are a `conflict`. A document
 * that equals the newest revision makes no new one.
 */
export async function putTopology(ctx: ServiceContext, input: unknown): Promise<TopologyView> {
  const { siteId, topology: document, etag } = parseInput(PutTopologyInput, input);
  authoriseOnSite(ctx, 'site.edit', siteId);
  const before = await findNewestTopology(ctx.db, siteId);
  refuseOtherEtag(before, etag);
  const topology = withSecretsOf(parseDocument(document, before.topology), before.topology);
  if (toStoredDocument(topology).hash === before.etag) return before;
  return transact(ctx, async (tx) => {
    await tx.sql.query('SELECT id FROM site WHERE id = $1 FOR UPDATE', [siteId]);
    const newest = await findNewestTopology(tx, siteId);
    refuseOtherEtag(newest, etag);
    await refuseForeignSecrets(tx, siteId, topology);
    refuseOlderKeys(topology, newest.topology);
    await authoriseCredentialUse(ctx, tx, topology, before.topology);
    const view = await storeRevision(ctx, tx, { siteId, revision: newest.revision + 1, topology });
    await tx.audit('topology.save', siteId, { revision: view.revision, etag: view.etag });
    return view;
  });
}

function refuseOtherEtag(newest: TopologyView, etag: string): void {
  if (newest.etag === etag.replace(/^W\//, '').replaceAll('"', '')) return;
  throw new AppError(
    'precondition-failed',
    `${newest.createdBy} saved revision ${newest.revision} in the meantime. Reload the topology and make your change again.`,
  );
}

function withSecretsOf(topology: Topology, before: Topology): Topology {
  const { serverToken, agentToken } = before.security;
  const { s3 } = topology.etcd.snapshots;
  const { accessKey, secretKey } = before.etcd.snapshots.s3 ?? {};
  const keys = { ...(accessKey && { accessKey }), ...(secretKey && { secretKey }) };
  return {
    ...topology,
    ...(s3 && {
      etcd: { ...topology.etcd, snapshots: { ...topology.etcd.snapshots, s3: { ...keys, ...s3 } } },
    }),
    security: {
      ...topology.security,
      ...(!topology.security.serverToken && serverToken && { serverToken }),
      ...(!topology.security.agentToken && agentToken && { agentToken }),
    },
  };
}
