import { REQUEST_ID_HEADER } from '@/lib/auth/create-auth';
import { reloadActor } from '@/lib/auth/find-actor';
import { webRuntime } from '@/lib/auth/runtime';
import type { WebContext } from '@/lib/auth/session';
import { takeStreamSlot } from '@/lib/auth/stream-slots';
import { shutdownSignal } from '@/lib/env/shutdown';
import type { StreamTopic } from '@/lib/services/stream/parse-topics';
import type { StreamEvent } from '@/lib/services/stream/watch-topics';
import { watchTopics } from '@/lib/services/stream/watch-topics';
import { toEventStream } from '@/lib/sse/to-event-stream';
import { webLog } from './report-error';

/**
 * Topics as an event stream that lives as long as the reader, the process and the reader's rights do. Throws before
 * the first byte when a topic may not be followed or a person has too many streams open.
 */
export async function openStream(
  ctx: WebContext,
  request: Request,
  topics: readonly StreamTopic[],
  map: (event: StreamEvent) => StreamEvent[] = (event) => [event],
): Promise<Response> {
  const runtime = await webRuntime();
  const leave = new AbortController();
  const release = takeStreamSlot(ctx.actor.userId);
  const requestId = request.headers.get(REQUEST_ID_HEADER) ?? '';
  try {
    const events = await watchTopics(ctx, {
      topics,
      lastEventId: request.headers.get('last-event-id'),
      signal: leave.signal,
      reload: async () => {
        const actor = await reloadActor(runtime, ctx.actor);
        return actor && { ...ctx, actor };
      },
    });
    return toEventStream(
      (signal) => {
        signal.addEventListener('abort', () => leave.abort(), { once: true });
        return flatMap(events, map);
      },
      {
        signal: AbortSignal.any([request.signal, shutdownSignal()]),
        onEnd: release,
        onError: (error) => webLog().error({ err: error, requestId }, 'stream failed'),
      },
    );
  } catch (error) {
    release();
    throw error;
  }
}

async function* flatMap(
  events: AsyncIterable<StreamEvent>,
  map: (event: StreamEvent) => StreamEvent[],
): AsyncGenerator<StreamEvent> {
  for await (const event of events) yield* map(event);
}
