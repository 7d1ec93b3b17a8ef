import { createCancelSoak } from './cancel';
import { createFloodSoak } from './flood';
import { createHaKillsSoak } from './ha-kills';
import { createKillsSoak } from './kills';
import { createLinksSoak } from './links';
import { createPostgresSoak } from './postgres';
import { REBOOT } from './reboot';
import type { Soak } from './soak';
import { createStaleSoak } from './stale';

/** Life of a lease, as in the product. */
const TTL_MS = 10_000;

/** Every soak that `npm run soak -- NAME` knows. */
export const SOAKS: readonly Soak[] = [
  createKillsSoak({ ttlMs: TTL_MS, lanes: 4, slackMs: 0 }),
  createStaleSoak({ ttlMs: TTL_MS }),
  createPostgresSoak({ ttlMs: TTL_MS, everyMs: [5_000, 10_000], downMs: [0, 10_000], slackMs: 0 }),
  createLinksSoak({ lanes: 4, slackMs: 0 }),
  REBOOT,
  createFloodSoak({ linesMiB: 100, lineMiB: 50, junkMiB: 4, isTimed: true }),
  createCancelSoak({ lanes: 4, ttlMs: TTL_MS, graceMs: 0 }),
  createHaKillsSoak({ ttlMs: TTL_MS }),
];
