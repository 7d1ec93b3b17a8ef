import { z } from 'zod';
import { createJoinToken } from '@/lib/secrets/opaque-token';
import { toDefaultTopology } from '@/lib/topology/create-topology';
import { Pattern } from '@/lib/topology/topology';
import type { Topology } from '@/lib/topology/topology';
import type { TopologyView } from '@/lib/topology/topology-view';
import type { ServiceContext } from '../context';
import { authorise, newId } from '../context';
import { authoriseCredentialUse } from '../credentials/authorise-use';
import { parseInput } from '../parse-input';
import { storeSecret } from '../store-secret';
import { parseDocument } from '../topology/parse-document';
import { refuseSecretsOfNewSite } from '../topology/secret-refs';
import { storeRevision } from '../topology/store-revision';
import type { Transaction } from '../transact';
import { isUniqueViolation, transact } from '../transact';
import { nameTaken } from './rename-site';
import { SiteName } from './site-name';

export const CreateSiteInput = z.strictObject({
  name: SiteName,
  pattern: Pattern.default('custom'),
  /** A document, or YAML text; absent means an empty topology of the pattern. */
  topology: z.unknown().optional(),
  /** The wizard's draft that became this site; deleted with it. */
  draftId: z.string().optional(),
});

/**
 * Creates a site with its first revision and its join tokens: 256 random bits each, the agents' distinct from the
 * servers', sealed to the workers before they reach the database (S29); references to others in the document are
 * dropped. Node ids are handed out here.
 */
export async function createSite(ctx: ServiceContext, input: unknown): Promise<TopologyView> {
  authorise(ctx, 'site.create');
  const { name, pattern, topology, draftId } = parseInput(CreateSiteInput, input);
  const document = topology === undefined ? toDefaultTopology(pattern, []) : parseDocument(topology, null);
  refuseSecretsOfNewSite(document);
  const siteId = newId('s');
  try {
    return await transact(ctx, async (tx) => {
      await tx.prisma.site.create({
        data: { id: siteId, name, createdBy: ctx.actor.email },
        select: { id: true },
      });
      await tx.sql.query('INSERT INTO site_lease (site_id) VALUES ($1)', [siteId]);
      await authoriseCredentialUse(ctx, tx, document, null);
      const complete = await withJoinTokens(ctx, tx, siteId, document);
      const view = await storeRevision(ctx, tx, { siteId, revision: 1, topology: complete });
      if (draftId) await tx.prisma.draft.deleteMany({ where: { id: draftId, userId: ctx.actor.userId } });
      await tx.audit('site.create', siteId, {
        name,
        pattern: complete.pattern,
        nodes: complete.nodes.length,
      });
      return view;
    });
  } catch (error) {
    if (isUniqueViolation(error)) throw nameTaken(name);
    throw error;
  }
}

async function withJoinTokens(
  ctx: ServiceContext,
  tx: Transaction,
  siteId: string,
  topology: Topology,
): Promise<Topology> {
  const make = (purpose: 'server-token' | 'agent-token') =>
    storeSecret(ctx, tx, { purpose, owner: siteId, plaintext: createJoinToken() });
  const serverToken = await make('server-token');
  const agentToken = await make('agent-token');
  return { ...topology, security: { ...topology.security, serverToken, agentToken } };
}
