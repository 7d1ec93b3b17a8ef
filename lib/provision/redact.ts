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

/** Some bytes of a stream, made safe: `text` stands for exactly `rawBytes` bytes. */
export interface RedactedPart {
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

/** Bytes without line breaks, and how to get back from a place in them. */
function toCompact(data: Buffer): { compact: Buffer; toRaw: (at: number) => number } {
  const compact = Buffer.allocUnsafe(data.length);
  const breaks: number[] = [];
  let length = 0;
  for (let at = 0; at < data.length; at += 1) {
    const byte = data[at] ?? 0;
    if (byte === NEWLINE || byte === RETURN) breaks.push(length);
    else {
      compact[length] = byte;
      length += 1;
    }
  }
  // Breaks stand before the byte at their place, so all breaks at or before a place count.
  const toRaw = (at: number) => {
    let low = 0;
    let high = breaks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((breaks[middle] ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    return at + low;
  };
  return { compact: compact.subarray(0, length), toRaw };
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

function findSecrets(patterns: PatternSet, data: Buffer): Found {
  const { compact, toRaw } = toCompact(data);
  const values = patterns.findAll(compact).map(({ start, end }) => ({
    start: toRaw(start),
    end: toRaw(end - 1) + 1,
  }));
  const shapes = findSecretShapes(data);
  const tail = patterns.findOpenTail(compact);
  const openAt = Math.min(shapes.openAt, tail < compact.length ? toRaw(tail) : data.length);
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
  const openStream = (): RedactionStream => {
    let carry: Buffer = Buffer.alloc(0);
    return {
      push: (chunk) => {
        const data = carry.length > 0 ? Buffer.concat([carry, chunk]) : chunk;
        const found = findSecrets(patterns, data);
        const cut = toCut(data, found);
        carry = Buffer.from(data.subarray(cut));
        return cut > 0 ? { rawBytes: cut, text: toText(data, found.ranges, cut) } : null;
      },
      end: () => {
        const data = carry;
        carry = Buffer.alloc(0);
        if (data.length === 0) return null;
        return { rawBytes: data.length, text: toText(data, findSecrets(patterns, data).ranges, data.length) };
      },
    };
  };
  return {
    openStream,
    text: (text) => {
      const data = Buffer.from(text, 'utf8');
      return toText(data, findSecrets(patterns, data).ranges, data.length);
    },
  };
}
