import { TopologyView } from '@/lib/topology/topology-view';
import type { ApiClient } from './api-client';
import { CliError } from './cli-error';

/** The hosts of a site by name, as a person types and reads them, and by id, as the API does. */
export interface SiteHosts {
  /** The id itself for a host that is no longer drawn. */
  readonly nameOf: (nodeId: string) => string;
  /** Takes a name or an id. Throws for neither. */
  readonly idOf: (wanted: string) => string;
}

/** The hosts of the newest revision of a site, or of one revision. */
export async function readHosts(api: ApiClient, siteId: string, revision?: number): Promise<SiteHosts> {
  const path = revision === undefined ? 'topology' : `topology/revisions/${revision}`;
  const { topology } = await api.get(TopologyView, `/sites/${siteId}/${path}`);
  const nodes = topology.nodes.map(({ id, name }) => ({ id: id as string, name }));
  return {
    nameOf: (nodeId) => nodes.find(({ id }) => id === nodeId)?.name ?? nodeId,
    idOf: (wanted) => {
      const found = nodes.find(({ id, name }) => id === wanted || name === wanted);
      if (found) return found.id;
      const names = nodes.map(({ name }) => name).join(', ');
      throw new CliError('failed', `This site has no host ${wanted}. Its hosts: ${names || 'none'}.`);
    },
  };
}
