import { z } from 'zod';
import { RunEventBody } from '@/lib/run/run-event';
import { RUN_STATES, toRunWord } from '@/lib/run/run-states';
import { RunView } from '@/lib/run/run-view';
import type { ApiClient } from './api-client';
import { CliError, type Exit } from './cli-error';
import { readEventStream } from './read-event-stream';
import type { Output } from './output';

const RunEvents = z.object({
  events: z.array(z.object({ seq: z.int(), at: z.string(), body: RunEventBody })),
  last: z.int(),
});

/** Waits between two connections, milliseconds; the last one repeats. */
const RETRY_MS = [500, 1_000, 2_000, 5_000] as const;
const MAX_FAILURES = 20;

type Body = z.infer<typeof RunEventBody>;

/** A line of the log for a terminal; `titleOf` names a step. Null for what only machines care about. */
function toLine(body: Body, titleOf: (stepId: string) => string): string | null {
  switch (body.type) {
    case 'step.output':
      return body.text.replace(/\n$/, '').replace(/^/gm, '    ');
    case 'step.progress':
      return `  ${body.text}`;
    case 'step.started':
      return `> ${titleOf(body.stepId)}`;
    case 'step.finished':
      return `  ${titleOf(body.stepId)}: ${body.outcome === 'already-so' ? 'already so' : 'done'}`;
    case 'step.failed':
      return `! ${titleOf(body.stepId)}: ${body.failure.message} ${body.failure.nextAction}`;
    case 'step.skipped':
      return `- ${titleOf(body.stepId)}: left out by ${body.by}: ${body.reason}`;
    case 'step.output-cut':
      return `    (${body.bytes} bytes of output are not kept)`;
    case 'step.cancel-deferred':
      return `  ${titleOf(body.stepId)} ends before the cancel: ${body.reason}`;
    case 'run.cancel-requested':
      return `${body.by} asked for the end of the run.`;
    case 'host.lost':
      return `! ${body.failure.message}`;
    case 'host.back':
      return body.rebooted ? 'The host is back after a reboot.' : 'The host is back.';
    case 'run.finished':
      return body.failure ? `! ${body.failure.message} ${body.failure.nextAction}` : null;
    case 'run.queued':
    case 'run.claimed':
    case 'run.retry-requested':
    case 'run.resume-requested':
    case 'step.probed':
    case 'step.act-started':
    case 'step.verifying':
    case 'step.reattached':
    case 'step.cancelled':
      return null;
  }
}

/**
 * Writes the log of a run as it grows, until the run is over; a lost connection is taken up again behind the last line.
 * Returns how the command ends: `done`, or `wanting` for every other end of a run. Throws when `signal` aborts.
 */
export async function followRun(
  api: ApiClient,
  runId: string,
  titleOf: (stepId: string) => string,
  options: { readonly out: Output; readonly signal: AbortSignal },
): Promise<Exit> {
  const { out, signal } = options;
  let after = 0;
  for (let failures = 0; ;) {
    const from = after;
    try {
      const headers = { accept: 'text/event-stream' };
      const response = await api.send(`/runs/${runId}/events?after=${after}`, { headers, signal });
      for await (const { event, data } of readEventStream(response)) {
        if (event === 'run-events') after = writeEvents(data, titleOf, out) ?? after;
        // The state may come before the last lines do, so the log itself says when it is over.
        if (event === 'run-events' && hasEnd(data)) break;
        if (event === 'run' && isOver(data) && (await isRead(api, runId, after))) break;
      }
    } catch (error) {
      if (signal.aborted || (error instanceof CliError && error.exit !== 'unreachable')) throw error;
      if (failures >= MAX_FAILURES) throw error;
    }
    const run = await api.get(RunView, `/runs/${runId}`, { signal }).catch((error: unknown) => {
      if (signal.aborted || (error instanceof CliError && error.exit !== 'unreachable')) throw error;
      return null;
    });
    if (run && RUN_STATES[run.state].isTerminal && (await isRead(api, runId, after))) {
      out.result(run, `The run ${runId} is ${toRunWord(run)}: ${run.stepsDone} of ${run.steps} steps.`);
      return run.state === 'done' ? 'done' : 'wanting';
    }
    failures = after > from ? 0 : failures + 1;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]));
  }
}

function writeEvents(data: unknown, titleOf: (stepId: string) => string, out: Output): number | null {
  const parsed = RunEvents.safeParse(data);
  if (!parsed.success) return null;
  for (const { body } of parsed.data.events) {
    const line = toLine(body, titleOf);
    if (line !== null) out.piece(line);
  }
  return parsed.data.last;
}

function hasEnd(data: unknown): boolean {
  const parsed = RunEvents.safeParse(data);
  return parsed.success && parsed.data.events.at(-1)?.body.type === 'run.finished';
}

function isOver(data: unknown): boolean {
  const parsed = z.object({ run: RunView }).safeParse(data);
  return parsed.success && RUN_STATES[parsed.data.run.state].isTerminal;
}

/** True when there is no line behind `after`. */
async function isRead(api: ApiClient, runId: string, after: number): Promise<boolean> {
  const { events } = await api.get(RunEvents, `/runs/${runId}/events?after=${after}&limit=1`);
  return events.length === 0;
}
