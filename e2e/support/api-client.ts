import { z } from 'zod';
import { JobView } from '@/lib/run/job-view';
import type { RunEvent } from '@/lib/run/run-event';
import { RunView } from '@/lib/run/run-view';
import { waitFor } from '@/lib/testing/wait-for';

const END_STATES = ['done', 'failed', 'unreachable', 'cancelled', 'needs-attention'];

/** The HTTP API of a running Siteplan, as a script would use it. */
export interface ApiClient {
  readonly call: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<unknown>;
  /** Files a job and waits for its end; throws with the failure's words. */
  readonly job: (path: string, body?: unknown) => Promise<unknown>;
  readonly run: (runId: string) => Promise<RunView>;
  readonly waitForRun: (runId: string, timeoutMs?: number) => Promise<RunView>;
  readonly events: (runId: string) => Promise<RunEvent[]>;
}

const EventPage = z.object({ events: z.array(z.unknown()), last: z.int(), more: z.boolean() });

export function createApiClient(url: string, token: string): ApiClient {
  const call: ApiClient['call'] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  const run = async (runId: string) => RunView.parse(await call('GET', `/runs/${runId}`));
  return {
    call,
    job: async (path, body) => {
      const { id } = JobView.parse(await call('POST', path, body));
      const ended = await waitFor(
        async () => {
          const job = JobView.parse(await call('GET', `/jobs/${id}`));
          return (job.state === 'done' || job.state === 'failed') && job;
        },
        { what: `the job of ${path}`, timeoutMs: 60_000, everyMs: 300 },
      );
      if (ended.failure) throw new Error(`${path}: ${ended.failure.message} ${ended.failure.nextAction}`);
      return ended.result;
    },
    run,
    waitForRun: (runId, timeoutMs = 180_000) =>
      waitFor(
        async () => {
          const view = await run(runId);
          return END_STATES.includes(view.state) && view;
        },
        { what: `the end of run ${runId}`, timeoutMs, everyMs: 500 },
      ),
    events: async (runId) => {
      const events: RunEvent[] = [];
      for (let after = 0; ;) {
        const page = EventPage.parse(await call('GET', `/runs/${runId}/events?after=${after}`));
        events.push(...(page.events as RunEvent[])); // shape checked by the server's own tests
        if (!page.more) return events;
        after = page.last;
      }
    },
  };
}
