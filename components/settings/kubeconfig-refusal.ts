import { can } from '@/lib/access/can';
import type { Grant } from '@/lib/access/grant';
import type { SiteView } from '@/lib/topology/site-view';

/** Why a person cannot have the kubeconfig of a site now, in words; null when they can. */
export function toKubeconfigRefusal(
  grants: readonly Grant[],
  site: Pick<SiteView, 'id' | 'appliedRevision'>,
): string | null {
  const answer = can(grants, 'kubeconfig.get', site.id);
  if (!answer.allowed) return answer.reason;
  return site.appliedRevision === null ? 'The cluster is not built yet.' : null;
}
