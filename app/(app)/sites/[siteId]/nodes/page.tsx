import type { Metadata } from 'next';
import { orNotFound } from '@/app/or-not-found';
import { NodesTable } from '@/components/nodes/nodes-table';
import { requireUser } from '@/lib/auth/session';
import { listHostKeys } from '@/lib/services/host-keys/list-host-keys';
import { getSite } from '@/lib/services/sites/get-site';
import { getTopology } from '@/lib/services/topology/get-topology';

export const metadata: Metadata = { title: 'Nodes' };

interface Props {
  readonly params: Promise<{ readonly siteId: string }>;
}

export default async function NodesPage({ params }: Props) {
  const { siteId } = await params;
  const ctx = await requireUser('page /sites/[siteId]/nodes', { siteId });
  const [site, { topology }, hostKeys] = await orNotFound(
    Promise.all([getSite(ctx, { siteId }), getTopology(ctx, { siteId }), listHostKeys(ctx, { siteId })]),
  );
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-3">
      <h1>Nodes of {site.name}</h1>
      <NodesTable site={site} topology={topology} hostKeys={hostKeys} />
    </div>
  );
}
