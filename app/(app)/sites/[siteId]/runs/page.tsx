import type { Metadata } from 'next';
import { orNotFound } from '@/app/or-not-found';
import { RunsTable } from '@/components/run/runs-table';
import { requireUser } from '@/lib/auth/session';
import { listRuns } from '@/lib/services/runs/list-runs';
import { getSite } from '@/lib/services/sites/get-site';

export const metadata: Metadata = { title: 'Runs' };

interface Props {
  readonly params: Promise<{ readonly siteId: string }>;
}

export default async function SiteRunsPage({ params }: Props) {
  const { siteId } = await params;
  const ctx = await requireUser('page /sites/[siteId]/runs', { siteId });
  const [site, page] = await orNotFound(
    Promise.all([getSite(ctx, { siteId }), listRuns(ctx, { siteId, limit: 200 })]),
  );
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-3">
      <h1>Runs of {site.name}</h1>
      <RunsTable page={page} siteId={siteId} />
    </div>
  );
}
