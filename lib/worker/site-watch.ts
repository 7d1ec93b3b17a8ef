import { openSiteSampler, type SiteSampler } from '@/lib/collect/site-sampler';
import type { SiteClaim } from '@/lib/db/site-lease';
import { Topology } from '@/lib/topology/topology';
import { readRevision } from './read-topology';
import { openSiteHosts, type SiteHosts } from './site-hosts';
import type { WorkerContext } from './worker-context';

/** Everything that goes on at an owned site besides runs, and the connections that all of it shares. */
export interface SiteWatch {
  /** Connections for `topology`; the sampler uses the same ones. */
  readonly hostsFor: (topology: Topology) => SiteHosts;
  /** Samples what the applied revision says, or stops; true when there is nothing to watch. */
  readonly isIdle: () => Promise<boolean>;
  readonly close: () => Promise<void>;
}

const NOTHING = Topology.parse({ pattern: 'custom' });

/** Opens the watch of a site that this worker owns. Nothing happens before the first `isIdle` or `hostsFor`. */
export function openSiteWatch(context: WorkerContext, claim: SiteClaim): SiteWatch {
  const hosts = openSiteHosts(context, NOTHING, claim.siteId);
  let sampler: { readonly revision: number; readonly running: SiteSampler } | null = null;
  const stopSampler = async (): Promise<void> => {
    const stopped = sampler;
    sampler = null;
    await stopped?.running.stop();
  };
  return {
    hostsFor: (topology) => {
      hosts.use(topology);
      return hosts;
    },
    isIdle: async () => {
      const site = await context.db.prisma.site.findUniqueOrThrow({ where: { id: claim.siteId } });
      const revision = site.deletedAt ? null : site.appliedRevision;
      if (revision === sampler?.revision) return false;
      await stopSampler();
      if (revision === null) return true;
      const { topology } = await readRevision(context.db, claim.siteId, revision);
      hosts.use(topology);
      const running = openSiteSampler({
        db: context.db,
        claim,
        topology,
        connect: hosts.connect,
        log: context.log,
      });
      sampler = { revision, running };
      return false;
    },
    close: async () => {
      await stopSampler();
      hosts.close();
    },
  };
}
