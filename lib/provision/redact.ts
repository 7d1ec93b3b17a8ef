import { mergeRanges, PatternSet, type ByteRange } from './pattern-set';
import { toSecretForms } from './secret-forms';
import { findSecretShapes } from './secret-shapes';
import { toPrintable } from './to-printable';

/** What stands where a secret was. */
export const REDACTED = '[redacted]';
/** A line longer than this is given out in pieces. */
const MAX_LINE_BYTES = 64 * 1024;
/** With more than this in hand something is given out in any case: memory stays bounded. */
const MAX_CARRY_BYTES = 256 * 1024;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Some bytes of a stream, made safe: `text` stands for exactly the bytes of `raw`, which holds secrets. */
export interface RedactedPart {
  readonly raw: Buffer;
  readonly rawBytes: number;
  readonly text: string;
}

export interface RedactionStream {
  /** Takes the next bytes and gives out what is certain to hold no secret; usually whole lines. */
  readonly push: (chunk: Buffer) => RedactedPart | null;
  /** Gives out the rest. */
  readonly end: () => RedactedPart | null;
}

/** Knows the secrets of one run. Made once; streams share it. */
export interface Redaction {
  readonly text: (text: string) => string;
  readonly openStream: () => RedactionStream;
}

interface Compact {
  /** Valid until the next call: the bytes live in a scratch buffer. */
  readonly bytes: Buffer;
  readonly toRaw: (at: number) => number;
}

/** Takes the line breaks out of bytes and can tell where a place was before; makes little garbage. */
class Compactor {
  #scratch: Buffer = Buffer.alloc(0);

  compact(data: Buffer): Compact {
    if (this.#scratch.length < data.length) this.#scratch = Buffer.allocUnsafe(data.length * 2);
    const breaks: number[] = [];
    const hasReturns = data.includes(RETURN);
    let length = 0;
    for (let at = 0; at < data.length;) {
      const end = findBreak(data, at, hasReturns);
      length += data.copy(this.#scratch, length, at, end);
      if (end < data.length) breaks.push(length);
      at = end + 1;
    }
    return { bytes: this.#scratch.subarray(0, length), toRaw: (at) => at + countUpTo(breaks, at) };
  }
}

function findBreak(data: Buffer, from: number, hasReturns: boolean): number {
  const newline = data.indexOf(NEWLINE, from);
  const line = newline < 0 ? data.length : newline;
  const inLine = hasReturns ? data.subarray(from, line).indexOf(RETURN) : -1;
  return inLine < 0 ? line : from + inLine;
}

/** How many of the ordered numbers are at most `limit`. */
function countUpTo(ordered: readonly number[], limit: number): number {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ordered[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Moves a cut back to the start of a UTF-8 character. */
function toCharacterStart(data: Buffer, cut: number): number {
  for (let at = cut; at > 0 && at > cut - 4; at -= 1) {
    if (((data[at] ?? 0) & 0xc0) !== 0x80) return at;
  }
  return cut;
}

function toText(data: Buffer, ranges: readonly ByteRange[], end: number): string {
  let text = '';
  let at = 0;
  for (const range of ranges) {
    if (range.start >= end) break;
    text += `${toPrintable(data.subarray(at, range.start))}${REDACTED}`;
    at = range.end;
  }
  return text + toPrintable(data.subarray(Math.min(at, end), end));
}

interface Found {
  readonly ranges: readonly ByteRange[];
  /** The tail from here on could still turn out to be a secret. */
  readonly openAt: number;
}

function findSecrets(patterns: PatternSet, compactor: Compactor, data: Buffer): Found {
  const { bytes, toRaw } = compactor.compact(data);
  const values = patterns.findAll(bytes).map(({ start, end }) => ({
    start: toRaw(start),
    end: toRaw(end - 1) + 1,
  }));
  const shapes = findSecretShapes(data);
  const tail = patterns.findOpenTail(bytes);
  const openAt = Math.min(shapes.openAt, tail < bytes.length ? toRaw(tail) : data.length);
  return { ranges: mergeRanges([...values, ...shapes.ranges]), openAt };
}

/** How many of the bytes in hand may go out: whole lines, no half secret, no half character. */
function toCut(data: Buffer, { ranges, openAt }: Found): number {
  const line = Math.max(data.lastIndexOf(NEWLINE), data.lastIndexOf(RETURN)) + 1;
  const isLong = data.length - line > MAX_LINE_BYTES;
  let cut = Math.min(isLong ? toCharacterStart(data, data.length - 3) : line, openAt);
  const straddling = ranges.find(({ start, end }) => start < cut && end > cut);
  if (straddling) cut = straddling.start;
  if (cut > 0 || data.length <= MAX_CARRY_BYTES) return cut;
  return ranges[0]?.start === 0 ? Math.min(ranges[0].end, data.length) : data.length;
}

/**
 * Removes secrets from what hosts print (S16): by value in every usual form, across chunks and line breaks, and by
 * shape. Values under four bytes cannot be told from ordinary text and are left alone.
 */
export function createRedaction(secrets: readonly string[]): Redaction {
  const patterns = new PatternSet(secrets.flatMap(toSecretForms));
  const compactor = new Compactor();
  const find = (data: Buffer) => findSecrets(patterns, compactor, data);
  const openStream = (): RedactionStream => {
    let carry: Buffer = Buffer.alloc(0);
    return {
      push: (chunk) => {
        const data = carry.length > 0 ? Buffer.concat([carry, chunk]) : chunk;
        const found = find(data);
        const cut = toCut(data, found);
        carry = Buffer.from(data.subarray(cut));
        return cut > 0
          ? { raw: data.subarray(0, cut), rawBytes: cut, text: toText(data, found.ranges, cut) }
          : null;
      },
      end: () => {
        const data = carry;
        carry = Buffer.alloc(0);
        if (data.length === 0) return null;
        return { raw: data, rawBytes: data.length, text: toText(data, find(data).ranges, data.length) };
      },
    };
  };
  return {
    openStream,
    text: (text) => {
      const data = Buffer.from(text, 'utf8');
      return toText(data, find(data).ranges, data.length);
    },
  };
}
