import type { Metadata } from 'next';
import { RunsTable } from '@/components/run/runs-table';
import { requireUser } from '@/lib/auth/session';
import { listRuns } from '@/lib/services/runs/list-runs';

export const metadata: Metadata = { title: 'Runs' };

export default async function RunsPage() {
  const ctx = await requireUser('page /runs');
  const page = await listRuns(ctx, { limit: 200 });
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-3">
      <h1>Runs</h1>
      <RunsTable page={page} siteId={null} />
    </div>
  );
}
