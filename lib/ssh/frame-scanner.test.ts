import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameScanner } from './frame-scanner';

const BEGIN = 'siteplan-0123456789abcdef-begin';
const END = 'siteplan-0123456789abcdef-end';

function scan(stream: Buffer, cuts: readonly number[], maxBytes = 1_000_000): FrameScanner {
  const scanner = new FrameScanner(BEGIN, END, maxBytes);
  const places = [
    0,
    ...[...cuts].map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b),
    stream.length,
  ];
  for (let at = 1; at < places.length; at += 1) {
    scanner.push(stream.subarray(places[at - 1], places[at]));
  }
  return scanner;
}

/** Bytes that try to look like our own marks. */
const hostile = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom('\n', '\nsiteplan-', BEGIN.slice(0, -3), `\n${END.slice(0, -1)}`, '-end 0\n', '\n\n')
        .map(Buffer.from),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts));

describe('frame scanner', () => {
  it('gives the bytes between the marks, wherever the stream is cut', () => {
    fc.assert(
      fc.property(hostile, hostile, fc.array(fc.nat(), { maxLength: 8 }), (noise, output, cuts) => {
        // 128 random bits are not guessed; only this generator knows them.
        fc.pre(!noise.includes(BEGIN) && !Buffer.concat([Buffer.from('\n'), output]).includes(`\n${END}`));
        const stream = Buffer.concat([
          noise,
          Buffer.from(`\n${BEGIN} 4711\n`),
          output,
          Buffer.from(`\n${END} 3\nwhat comes later`),
        ]);
        const scanner = scan(stream, cuts);
        expect(scanner.beginWords).toBe('4711');
        expect(scanner.endWords).toBe('3');
        expect(scanner.output.equals(output)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps at most the limit and still finds the end', () => {
    const output = Buffer.alloc(5_000, 'x');
    const stream = Buffer.concat([Buffer.from(`${BEGIN} \n`), output, Buffer.from(`\n${END} 0\n`)]);
    for (const cuts of [[], [10, 200, 4_000], Array.from({ length: 100 }, (_, index) => index * 50)]) {
      const scanner = scan(stream, cuts, 1_000);
      expect(scanner.output.length).toBe(1_000);
      expect(scanner.isTruncated).toBe(true);
      expect(scanner.endWords).toBe('0');
    }
    expect(scan(stream, [], 5_000).isTruncated).toBe(false);
  });
});
