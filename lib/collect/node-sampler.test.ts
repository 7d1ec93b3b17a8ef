import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createLineSplitter } from './node-sampler';

function split(chunks: readonly Buffer[]): string[] {
  const lines: string[] = [];
  const push = createLineSplitter((line) => lines.push(line));
  for (const chunk of chunks) push(chunk);
  return lines;
}

it('gives the same lines however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.nat(50)), (texts, cuts) => {
      const lines = texts.map((text) => text.replaceAll('\n', ' '));
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''), 'utf8');
      const chunks: Buffer[] = [];
      let at = 0;
      for (const cut of cuts) {
        chunks.push(bytes.subarray(at, at + cut));
        at += cut;
      }
      chunks.push(bytes.subarray(at));
      expect(split(chunks)).toEqual(lines);
    }),
  );
});

it('drops a line without end, holds no more than its limit, and goes on with the next', () => {
  const lines: string[] = [];
  const push = createLineSplitter((line) => lines.push(line));
  push(Buffer.from('first\n'));
  for (let i = 0; i < 1_000; i += 1) push(Buffer.alloc(4_096, 0x61));
  push(Buffer.from('end of the long one\nsecond\n'));
  expect(lines).toEqual(['first', 'second']);
});
