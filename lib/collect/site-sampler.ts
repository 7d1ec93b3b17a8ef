import { deflateRawSync } from 'node:zlib';
import type { NodeId } from '@/lib/core/ids';
import type { Database } from '@/lib/db/connect';
import { StaleEpochError } from '@/lib/db/errors';
import { storeSiteMinute, storeSiteNow } from '@/lib/db/site-now';
import type { SiteClaim } from '@/lib/db/site-lease';
import type { SiteNowBody } from '@/lib/health/site-now';
import { toSiteNow } from '@/lib/health/to-site-now';
import type { Logger } from '@/lib/log/logger';
import type { HostConnection } from '@/lib/ssh/connect-host';
import type { Topology } from '@/lib/topology/topology';
import { startNodeSampler, type NodeSampler } from './node-sampler';

/** Seconds between two samples of a node; two missed ones make it stale. */
export const SAMPLE_INTERVAL_S = 5;

export interface SiteSampler {
  readonly stop: () => Promise<void>;
}

/** Per minute and node: [cpu, memory, disk] of each tick, percent, null where nothing was read. */
type MinuteRing = Map<string, (readonly [number | null, number | null, number | null])[]>;

/** Format 1: deflated JSON of `MinuteRing` as an object; a first byte that says so. */
function packMinute(ring: MinuteRing): Buffer {
  return Buffer.concat([Buffer.from([1]), deflateRawSync(JSON.stringify(Object.fromEntries(ring)))]);
}

function addToMinute(ring: MinuteRing, body: SiteNowBody): void {
  for (const { nodeId, cpuPercent, memoryPercent, diskPercent } of body.nodes) {
    const ticks = ring.get(nodeId) ?? [];
    ticks.push([cpuPercent, memoryPercent, diskPercent]);
    ring.set(nodeId, ticks);
  }
}

/**
 * Watches all nodes of a site and writes what is known of it: one `site_now` row each interval, one packed row each
 * minute (contract 9), both fenced by the lease. Verdicts are made from the samples and the clock each time, so silence
 * turns into `stale` by itself. Ends for good when a newer epoch owns the site.
 */
export function openSiteSampler(options: {
  readonly db: Database;
  readonly claim: SiteClaim;
  readonly topology: Topology;
  readonly connect: (nodeId: NodeId) => Promise<HostConnection>;
  readonly log: Logger;
}): SiteSampler {
  const { db, claim, topology, connect, log } = options;
  const samplers = new Map<NodeId, NodeSampler>(
    topology.nodes.map((node) => [
      node.id,
      startNodeSampler({ node, intervalS: SAMPLE_INTERVAL_S, connect: () => connect(node.id), log }),
    ]),
  );
  const startedAtMs = Date.now();
  let minute = Math.floor(startedAtMs / 60_000);
  let ring: MinuteRing = new Map();
  let pending: Promise<void> = Promise.resolve();

  const write = async (): Promise<void> => {
    const nowMs = Date.now();
    const readings = new Map([...samplers].map(([nodeId, sampler]) => [nodeId, sampler.read()]));
    const body = toSiteNow({ topology, readings, nowMs, startedAtMs, intervalS: SAMPLE_INTERVAL_S });
    addToMinute(ring, body);
    await storeSiteNow(db.pool, claim, body);
    const current = Math.floor(nowMs / 60_000);
    if (current === minute) return;
    const packed = packMinute(ring);
    const past = new Date(minute * 60_000);
    ring = new Map();
    minute = current;
    await storeSiteMinute(db.pool, claim, past, packed);
  };
  const tick = (): void => {
    pending = pending.then(write).catch((error: unknown) => {
      if (error instanceof StaleEpochError) clearInterval(timer);
      else log.warn({ err: error, siteId: claim.siteId }, 'what is known of the site was not stored');
    });
  };
  const timer = setInterval(tick, SAMPLE_INTERVAL_S * 1_000);
  const first = setTimeout(tick, 1_500);
  return {
    stop: async () => {
      clearInterval(timer);
      clearTimeout(first);
      await Promise.all([...samplers.values()].map((sampler) => sampler.stop()));
      await pending;
    },
  };
}
