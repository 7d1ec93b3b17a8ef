/** One server-sent event. `data` becomes JSON. */
export interface SseEvent {
  readonly event: string;
  readonly data: unknown;
  /** What the browser sends back as `Last-Event-ID` when it reconnects. */
  readonly id?: string;
}

/** Server-sent events as text (WHATWG HTML, 9.2). JSON has no line breaks of its own. */
export function toEventText({ event, data, id }: SseEvent): string {
  const idLine = id === undefined ? '' : `id: ${id.replace(/[\r\n\0]/g, '')}\n`;
  return `event: ${event.replace(/[\r\n]/g, '')}\n${idLine}data: ${JSON.stringify(data)}\n\n`;
}

/** `no-transform` keeps compressing proxies from holding events back, `X-Accel-Buffering` nginx. */
const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
} as const;

/**
 * An iterable of events as an HTTP response. `open` gets a signal that aborts when the reader leaves or `signal`
 * aborts, and should end its iteration then. The next event is asked for only when the reader has taken the last
 * (backpressure); a comment goes out whenever `heartbeatMs` pass in silence. An iteration that throws ends the stream;
 * `onError` hears of it.
 */
export function toEventStream(
  open: (signal: AbortSignal) => AsyncIterable<SseEvent>,
  options: {
    signal: AbortSignal;
    heartbeatMs?: number;
    onError?: (error: unknown) => void;
    onEnd?: () => void;
  },
): Response {
  const { signal, heartbeatMs = 15_000, onError, onEnd } = options;
  const leave = new AbortController();
  const ended = AbortSignal.any([signal, leave.signal]);
  const encoder = new TextEncoder();
  const events = open(ended)[Symbol.asyncIterator]();
  let heartbeat: NodeJS.Timeout | undefined;
  let isOver = false;
  const finish = (): void => {
    if (isOver) return;
    isOver = true;
    clearInterval(heartbeat);
    leave.abort();
    onEnd?.();
  };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      heartbeat = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(': \n\n'));
      }, heartbeatMs);
      heartbeat.unref();
    },
    async pull(controller) {
      try {
        const next = await events.next();
        if (isOver) return;
        if (!next.done) {
          heartbeat?.refresh();
          controller.enqueue(encoder.encode(toEventText(next.value)));
          return;
        }
        finish();
        controller.close();
      } catch (error) {
        if (isOver) return;
        const wasLeft = ended.aborted;
        finish();
        if (!wasLeft) onError?.(error);
        controller.close();
      }
    },
    async cancel() {
      finish();
      await events.return?.();
    },
  });
  return new Response(body, { headers: HEADERS });
}
