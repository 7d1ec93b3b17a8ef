import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toEventText } from '@/lib/sse/to-event-stream';
import { readEventStream, type StreamedEvent } from './read-event-stream';

async function read(bytes: Uint8Array, cuts: readonly number[]): Promise<StreamedEvent[]> {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const [index, place] of places.entries())
        controller.enqueue(bytes.slice(place, places[index + 1] ?? place));
      controller.close();
    },
  });
  const events: StreamedEvent[] = [];
  for await (const event of readEventStream(new Response(body))) events.push(event);
  return events;
}

describe('readEventStream', () => {
  it('reads what the server writes, however it is cut on the way', async () => {
    const event = fc.record({ event: fc.constantFrom('run', 'tick'), data: fc.jsonValue() });
    await fc.assert(
      fc.asyncProperty(fc.array(event), fc.array(fc.nat()), async (sent, cuts) => {
        const text = sent.map((one) => `${toEventText(one)}: \n\n`).join('');
        const wanted = sent.map((one) => JSON.parse(JSON.stringify(one)) as StreamedEvent);
        expect(await read(new TextEncoder().encode(text), cuts)).toEqual(wanted);
      }),
    );
  });

  it('leaves a half event and what is no JSON alone', async () => {
    const bytes = new TextEncoder().encode('event: run\ndata: {\n\nevent: run\ndata: 1');
    expect(await read(bytes, [])).toEqual([{ event: 'run', data: undefined }]);
  });
});
