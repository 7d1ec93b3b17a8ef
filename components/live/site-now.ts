import type { SiteNowBody } from '@/lib/health/site-now';
import type { SiteView } from '@/lib/topology/site-view';

/** What is known of a site now; null before the first sample. */
export function findSiteNow(site: SiteView): SiteNowBody | null {
  return (site.now as SiteNowBody | null | undefined) ?? null; // our own server's shape, checked where it is written
}
