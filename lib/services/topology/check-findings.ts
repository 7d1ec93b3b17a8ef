import { z } from 'zod';
import { checkTopology } from '@/lib/rules/check-topology';
import type { Finding } from '@/lib/rules/finding';
import type { ServiceContext } from '../context';
import { parseInput } from '../parse-input';
import { getTopology } from './get-topology';
import { parseDocument } from './parse-document';

export const CheckFindingsInput = z.strictObject({
  siteId: z.string().optional(),
  /** A document or YAML text; absent means what the site has stored. */
  topology: z.unknown().optional(),
});

/** What the rules say of a document that was sent, or of a site's stored one. */
export async function checkFindings(ctx: ServiceContext, input: unknown): Promise<Finding[]> {
  const { siteId, topology } = parseInput(CheckFindingsInput, input);
  const stored = siteId === undefined ? null : (await getTopology(ctx, { siteId })).topology;
  return checkTopology(topology === undefined && stored ? stored : parseDocument(topology, stored));
}
