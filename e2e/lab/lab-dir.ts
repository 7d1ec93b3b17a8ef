import { env } from '@/lib/env/env';

/** The folder of root file systems and running labs: `SITEPLAN_LAB_DIR`, or a cache folder of this machine. */
export function findLabDir(): string {
  return env().labDir ?? '/var/cache/siteplan-lab';
}
