import { JobView } from '@/lib/run/job-view';
import type { Job } from '@/lib/db/generated/client';

export function toJobView(row: Job): JobView {
  return JobView.parse({
    ...row,
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
  });
}
