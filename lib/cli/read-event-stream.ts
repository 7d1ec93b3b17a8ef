/** One server-sent event; `data` is parsed JSON, undefined where it was none. */
export interface StreamedEvent {
  readonly event: string;
  readonly data: unknown;
}

/** More than this without an end of an event is no event of ours, characters. */
const MAX_EVENT = 16 * 1_024 * 1_024;

function parse(text: string): StreamedEvent | null {
  let event = 'message';
  const data: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('event:')) event = line.slice(6).trim();
    if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
  }
  if (data.length === 0) return null;
  try {
    return { event, data: JSON.parse(data.join('\n')) as unknown };
  } catch {
    return { event, data: undefined };
  }
}

/** Events of a response as they come (WHATWG HTML, 9.2); comments are left out. Throws when the connection breaks. */
export async function* readEventStream(response: Response): AsyncGenerator<StreamedEvent> {
  if (!response.body) return;
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    // Node's streams iterate; DOM typings lag
    rest = (rest + decoder.decode(chunk, { stream: true })).replaceAll('\r\n', '\n');
    const parts = rest.split('\n\n');
    rest = parts.pop() ?? '';
    if (rest.length > MAX_EVENT) throw new Error('an event of the stream has no end');
    for (const part of parts) {
      const event = parse(part);
      if (event) yield event;
    }
  }
}
