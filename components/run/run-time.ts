import { toDurationText } from '@/lib/core/duration';
import type { RunView } from '@/lib/run/run-view';

/** How long a run took, empty while it is not over. */
export function toRunTime({ startedAt, finishedAt }: Pick<RunView, 'startedAt' | 'finishedAt'>): string {
  return startedAt && finishedAt ? toDurationText(Date.parse(finishedAt) - Date.parse(startedAt)) : '';
}
