import type { Metadata } from 'next';
import { orNotFound } from '@/app/or-not-found';
import { KubeconfigButton } from '@/components/settings/kubeconfig-button';
import { ExportMenu } from '@/components/topology/export-menu';
import { TopologyScreen } from '@/components/topology/topology-screen';
import { YamlButton } from '@/components/topology/yaml-dialog';
import { toKubeconfigRefusal } from '@/components/settings/kubeconfig-refusal';
import { can } from '@/lib/access/can';
import { requireUser } from '@/lib/auth/session';
import { getSite } from '@/lib/services/sites/get-site';
import { getTopology } from '@/lib/services/topology/get-topology';
import { putTopology, startKubeconfig } from '../actions';

export const metadata: Metadata = { title: 'Topology' };

interface Props {
  readonly params: Promise<{ readonly siteId: string }>;
}

export default async function TopologyPage({ params }: Props) {
  const { siteId } = await params;
  const ctx = await requireUser('page /sites/[siteId]/topology', { siteId });
  const [site, view] = await orNotFound(
    Promise.all([getSite(ctx, { siteId }), getTopology(ctx, { siteId })]),
  );
  const mayEdit = can(ctx.actor.grants, 'site.edit', siteId);
  const mayTake = can(ctx.actor.grants, 'bundle.get', siteId);
  return (
    <>
      <h1 className="sr-only">{site.name}, topology</h1>
      <TopologyScreen
        key={view.etag}
        site={site}
        view={view}
        mayEdit={can(ctx.actor.grants, 'job.create', siteId).allowed}
        actions={
          <>
            <KubeconfigButton
              siteId={siteId}
              siteName={site.name}
              refusal={toKubeconfigRefusal(ctx.actor.grants, site)}
              startKubeconfig={startKubeconfig}
            />
            <YamlButton
              view={view}
              refusal={mayEdit.allowed ? null : mayEdit.reason}
              putTopology={putTopology}
            />
            <ExportMenu siteId={siteId} bundleRefusal={mayTake.allowed ? null : mayTake.reason} />
          </>
        }
      />
    </>
  );
}
