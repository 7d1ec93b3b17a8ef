import { describe, expect, it, vi } from 'vitest';
import { waitFor } from '@/lib/testing/wait-for';
import type { SseEvent } from './to-event-stream';
import { toEventStream, toEventText } from './to-event-stream';

async function* once(...events: SseEvent[]): AsyncGenerator<SseEvent> {
  for (const event of events) yield await Promise.resolve(event);
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

describe('toEventText', () => {
  it('keeps hostile text inside its own field', () => {
    const text = toEventText({
      event: 'a\ndata: evil',
      id: '1\n\n2',
      data: { text: 'x\n\nevent: evil\r\n\u2028' },
    });
    expect(text.split('\n').map((line) => line.split(':')[0])).toEqual(['event', 'id', 'data', '', '']);
    expect(JSON.parse(/^data: ([^\n]*)$/m.exec(text)?.[1] ?? '')).toEqual({
      text: 'x\n\nevent: evil\r\n\u2028',
    });
  });
});

describe('toEventStream', () => {
  it('sends events in order and ends with the iteration', async () => {
    const onEnd = vi.fn();
    const events = [
      { event: 'a', data: 1, id: '1' },
      { event: 'b', data: { c: 'ä' } },
    ];
    const response = toEventStream(() => once(...events), { signal: new AbortController().signal, onEnd });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(response.headers.get('cache-control')).toBe('no-store, no-transform');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(await response.text()).toBe('event: a\nid: 1\ndata: 1\n\nevent: b\ndata: {"c":"ä"}\n\n');
    expect(onEnd).toHaveBeenCalledTimes(1);
  });

  it('asks for the next event only when the last one was taken', async () => {
    let made = 0;
    const response = toEventStream(
      async function* () {
        for (;;) yield await Promise.resolve({ event: 'n', data: (made += 1) });
      },
      { signal: new AbortController().signal },
    );
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.read();
    expect(made).toBeLessThan(6);
    await reader?.cancel();
  });

  it('tells the iteration when the reader leaves, and runs its clean-up', async () => {
    let isClean = false;
    const onEnd = vi.fn();
    const response = toEventStream(
      async function* (signal) {
        try {
          yield { event: 'a', data: 1 };
          await untilAborted(signal);
        } finally {
          isClean = true;
        }
      },
      { signal: new AbortController().signal, onEnd },
    );
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await waitFor(() => isClean && onEnd.mock.calls.length === 1, { what: 'the clean-up' });
  });

  it('lets the iteration say a last word when the process stops', async () => {
    const stop = new AbortController();
    const response = toEventStream(
      async function* (signal) {
        yield { event: 'a', data: 1 };
        await untilAborted(signal);
        yield { event: 'end', data: { reason: 'restarting' } };
      },
      { signal: stop.signal },
    );
    const reader = response.body?.getReader();
    await reader?.read();
    const last = reader?.read();
    stop.abort();
    expect(new TextDecoder().decode((await last)?.value)).toContain('event: end');
    expect((await reader?.read())?.done).toBe(true);
  });

  it('writes a comment in silence', async () => {
    const response = toEventStream(
      async function* (signal) {
        await untilAborted(signal);
        yield { event: 'never', data: 0 };
      },
      { signal: new AbortController().signal, heartbeatMs: 5 },
    );
    const reader = response.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    expect(new TextDecoder().decode(value as Uint8Array)).toBe(': \n\n');
    await reader?.cancel();
  });

  it('ends and reports when the iteration throws', async () => {
    const onError = vi.fn();
    const response = toEventStream(
      async function* () {
        yield await Promise.resolve({ event: 'a', data: 1 });
        throw new Error('database away');
      },
      { signal: new AbortController().signal, onError },
    );
    expect(await response.text()).toBe('event: a\ndata: 1\n\n');
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ message: 'database away' }));
  });
});
