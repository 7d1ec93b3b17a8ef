import type { RunView } from '@/lib/run/run-view';
import type { ServiceContext } from '../context';
import { findVisibleRun } from './find-visible-run';
import { toRunView } from './to-run-view';

/** One run. Throws `not-found`. */
export async function getRun(ctx: ServiceContext, input: { runId: string }): Promise<RunView> {
  return toRunView(await findVisibleRun(ctx, input.runId));
}
