/** Half-open range of bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Longest prefix that the shift table looks at; longer patterns gain nothing. */
const MAX_WINDOW = 12;

/**
 * Finds many byte patterns at once (Wu and Manber, "A fast algorithm for multi-pattern searching", 1994): a table of
 * two-byte blocks says how far the search may jump, so most bytes are never looked at. Patterns shorter than
 * `minLength` bytes are left out.
 */
export class PatternSet {
  readonly #window: number;
  readonly #maxLength: number;
  readonly #shift: Uint8Array = new Uint8Array(65_536);
  /** By the last block of the window. */
  readonly #buckets = new Map<number, Buffer[]>();
  readonly #byFirst: (Buffer[] | undefined)[] = [];
  readonly #isEmpty: boolean;

  constructor(patterns: readonly Buffer[], minLength = 4) {
    const usable = patterns.filter(({ length }) => length >= minLength);
    this.#isEmpty = usable.length === 0;
    this.#window = Math.min(MAX_WINDOW, ...usable.map(({ length }) => length));
    this.#maxLength = Math.max(0, ...usable.map(({ length }) => length));
    this.#shift.fill(Math.max(1, this.#window - 1));
    for (const pattern of usable) this.#add(pattern);
  }

  #add(pattern: Buffer): void {
    for (let at = 1; at < this.#window; at += 1) {
      const block = toBlock(pattern, at);
      this.#shift[block] = Math.min(this.#shift[block] ?? 0, this.#window - 1 - at);
    }
    const last = toBlock(pattern, this.#window - 1);
    this.#buckets.set(last, [...(this.#buckets.get(last) ?? []), pattern]);
    const first = pattern[0] ?? 0;
    this.#byFirst[first] = [...(this.#byFirst[first] ?? []), pattern];
  }

  /** Every occurrence in `data`, overlapping ones merged, in order. */
  findAll(data: Buffer): ByteRange[] {
    if (this.#isEmpty) return [];
    const found: ByteRange[] = [];
    let at = this.#window - 1;
    while (at < data.length) {
      const block = toBlock(data, at);
      const shift = this.#shift[block] ?? 0;
      if (shift > 0) {
        at += shift;
        continue;
      }
      const start = at - this.#window + 1;
      for (const pattern of this.#buckets.get(block) ?? []) {
        if (isAt(data, start, pattern, pattern.length)) found.push({ start, end: start + pattern.length });
      }
      at += 1;
    }
    return mergeRanges(found);
  }

  /**
   * Where the tail of `data` begins that could still become an occurrence with more data; `data.length` when
   * no tail could.
   */
  findOpenTail(data: Buffer): number {
    for (let at = Math.max(0, data.length - this.#maxLength + 1); at < data.length; at += 1) {
      for (const pattern of this.#byFirst[data[at] ?? 0] ?? []) {
        const length = data.length - at;
        if (length < pattern.length && isAt(data, at, pattern, length)) return at;
      }
    }
    return data.length;
  }
}

function toBlock(data: Buffer, at: number): number {
  return (data[at - 1] ?? 0) | ((data[at] ?? 0) << 8);
}

function isAt(data: Buffer, start: number, pattern: Buffer, length: number): boolean {
  if (start + length > data.length) return false;
  for (let at = 0; at < length; at += 1) if (data[start + at] !== pattern[at]) return false;
  return true;
}

/** The union of ranges, ordered; touching ranges become one. */
export function mergeRanges(ranges: readonly ByteRange[]): ByteRange[] {
  const merged: ByteRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last && range.start <= last.end) {
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
    } else merged.push(range);
  }
  return merged;
}
