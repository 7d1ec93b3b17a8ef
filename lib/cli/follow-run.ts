import { z } from 'zod';
import { RunEventBody } from '@/lib/run/run-event';
import { RUN_STATES, toRunWord } from '@/lib/run/run-states';
import { RunView } from '@/lib/run/run-view';
import { toLogNote, type LogStep } from '@/lib/run/to-log-note';
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

/** What the log names: steps of the plan by their ids, and hosts. */
export interface RunNames {
  readonly steps: ReadonlyMap<string, LogStep>;
  readonly nameOf: (nodeId: string) => string;
}

/** What went wrong for good, and what to do; the note of a failed step has the first of them already. */
function toAdvice(body: RunEventBody): string {
  if (body.type === 'step.failed') return ` ${body.failure.nextAction}`;
  if (body.type !== 'run.finished' || !body.failure) return '';
  return `. ${body.failure.message} ${body.failure.nextAction}`;
}

/** A line of the log for a terminal, as the browser words it; null for what only machines care about. */
function toLine(body: RunEventBody, { steps, nameOf }: RunNames): string | null {
  if (body.type === 'step.output') return body.text.replace(/\n$/, '').replace(/^/gm, '    ');
  const step = 'stepId' in body ? steps.get(body.stepId) : undefined;
  const note = toLogNote(body, step);
  if (note === null) return null;
  const nodeId = body.type === 'host.lost' || body.type === 'host.back' ? body.nodeId : step?.nodeId;
  return `${nodeId === undefined ? '' : `${nameOf(nodeId)}: `}${note}${toAdvice(body)}`;
}

/** How a command ends that waits for a run: `done`, or `wanting` for every other end of it. */
export function toRunExit({ state }: Pick<RunView, 'state'>): Exit {
  return state === 'done' ? 'done' : 'wanting';
}

/**
 * Writes the log of a run behind the event `after` as it grows, until the run is over; a lost connection is taken up again behind the last line.
 * Returns how the command ends (`toRunExit`). Throws when `signal` aborts.
 */
export async function followRun(
  api: ApiClient,
  runId: string,
  names: RunNames,
  options: { readonly out: Output; readonly after: number; readonly signal: AbortSignal },
): Promise<Exit> {
  const { out, signal } = options;
  let { after } = options;
  for (let failures = 0; ;) {
    const from = after;
    try {
      const headers = { accept: 'text/event-stream' };
      const response = await api.send(`/runs/${runId}/events?after=${after}`, { headers, signal });
      for await (const { event, data } of readEventStream(response)) {
        if (event === 'run-events') after = writeEvents(data, names, out) ?? after;
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
      return toRunExit(run);
    }
    failures = after > from ? 0 : failures + 1;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]));
  }
}

function writeEvents(data: unknown, names: RunNames, out: Output): number | null {
  const parsed = RunEvents.safeParse(data);
  if (!parsed.success) return null;
  for (const { body } of parsed.data.events) {
    const line = toLine(body, names);
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
