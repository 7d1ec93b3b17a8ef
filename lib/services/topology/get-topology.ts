import type { TopologyView } from '@/lib/topology/topology-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';
import { findNewestTopology } from './find-stored';

/** The newest revision of a site. Throws `not-found`. */
export async function getTopology(ctx: ServiceContext, input: { siteId: string }): Promise<TopologyView> {
  authoriseOnSite(ctx, 'site.view', input.siteId);
  return findNewestTopology(ctx.db, input.siteId);
}
