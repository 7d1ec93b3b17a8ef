const NEWLINE = 0x0a;

/**
 * Cuts one call's output out of a stream: everything before the line that starts with `beginMark` is noise, what
 * follows up to the newline before `endMark` is output, and the rest of the end mark's line is its words. Marks hold
 * 128 random bits, so nothing that a host prints can be mistaken for one. Keeps at most `maxBytes` of output, or hands
 * every byte to `sink` and keeps none.
 */
export class FrameScanner {
  /** Words after the begin mark, once seen. */
  beginWords: string | null = null;
  /** Words after the end mark, once seen. */
  endWords: string | null = null;
  isTruncated = false;
  #carry: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #size = 0;
  readonly #begin: string;
  readonly #end: string;
  readonly #maxBytes: number;
  readonly #sink: ((bytes: Buffer) => void) | undefined;

  constructor(beginMark: string, endMark: string, maxBytes: number, sink?: (bytes: Buffer) => void) {
    this.#sink = sink;
    this.#begin = beginMark;
    this.#end = `\n${endMark}`;
    this.#maxBytes = maxBytes;
  }

  get output(): Buffer {
    return Buffer.concat(this.#parts);
  }

  push(chunk: Buffer): void {
    let data = this.#carry.length > 0 ? Buffer.concat([this.#carry, chunk]) : chunk;
    if (this.beginWords === null) {
      const line = findLine(data, this.#begin);
      if (!line) {
        this.#carry = line === null ? data.subarray(-this.#begin.length) : data;
        return;
      }
      this.beginWords = line.words;
      data = data.subarray(line.next);
    }
    if (this.endWords !== null) return;
    const line = findLine(data, this.#end);
    if (line) {
      this.endWords = line.words;
      this.#keep(data.subarray(0, line.at));
      this.#carry = Buffer.alloc(0);
      return;
    }
    // `undefined`: the mark is there but its line is not complete, so everything waits.
    const keep = line === undefined ? data.indexOf(this.#end) : Math.max(0, data.length - this.#end.length);
    this.#keep(data.subarray(0, keep));
    this.#carry = data.subarray(keep);
  }

  #keep(data: Buffer): void {
    if (this.#sink) {
      if (data.length > 0) this.#sink(data);
      return;
    }
    const room = this.#maxBytes - this.#size;
    if (data.length > room) this.isTruncated = true;
    if (room <= 0 || data.length === 0) return;
    // A copy: the chunk belongs to a larger buffer of the transport.
    this.#parts.push(Buffer.from(data.subarray(0, room)));
    this.#size += Math.min(room, data.length);
  }
}

/** The line that starts with `mark`: null when it is not there, undefined when it is not complete yet. */
function findLine(
  data: Buffer,
  mark: string,
): { at: number; next: number; words: string } | null | undefined {
  const at = data.indexOf(mark);
  if (at < 0) return null;
  const end = data.indexOf(NEWLINE, at + mark.length);
  if (end < 0) return undefined;
  return {
    at,
    next: end + 1,
    words: data
      .subarray(at + mark.length, end)
      .toString('utf8')
      .trim(),
  };
}
