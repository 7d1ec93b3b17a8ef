import type { z } from 'zod';
import { JobView } from '@/lib/run/job-view';
import type { ApiClient } from './api-client';
import { CliError } from './cli-error';
import type { Output } from './output';

/** A job is looked at this often. */
const POLL_MS = 500;

/** Files a job, says on standard error how it goes, and returns it once it is done. Throws what it failed of. */
export async function runJob(api: ApiClient, path: string, json: unknown, out: Output): Promise<JobView> {
  let job = await api.get(JobView, path, { method: 'POST', json });
  let said = '';
  while (job.state === 'queued' || job.state === 'running') {
    const words = job.progress || (job.state === 'queued' ? 'waiting for a worker' : 'working');
    if (words !== said) out.note(words);
    said = words;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    job = await api.get(JobView, `/jobs/${job.id}`);
  }
  if (job.state === 'done') return job;
  const { message, nextAction } = job.failure ?? { message: 'The job failed.', nextAction: '' };
  throw new CliError('failed', `${message} ${nextAction}`.trim());
}

/** A job's result by its shape; a server of another version may have another. */
export function parseResult<S extends z.ZodType>(shape: S, result: unknown): z.output<S> {
  const parsed = shape.safeParse(result);
  if (parsed.success) return parsed.data;
  throw new CliError(
    'failed',
    'The server’s result has another shape. Is it of the same version as this program?',
  );
}
