import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteShell } from '@/lib/core/shell-quote';
import { createRedaction, REDACTED, type Redaction } from './redact';

const CANARY = `c4n'ary "se$cret" /+=ü 4711`;
const ENCODINGS: Readonly<Record<string, (value: string) => string>> = {
  raw: (value) => value,
  'base64, aligned': (value) => Buffer.from(value).toString('base64'),
  'base64, second place': (value) => Buffer.from(`u:${value}\n`).toString('base64'),
  'base64, third place': (value) => Buffer.from(`u${value} and more`).toString('base64'),
  base64url: (value) => Buffer.from(value).toString('base64url'),
  hex: (value) => Buffer.from(value).toString('hex'),
  url: (value) => encodeURIComponent(value),
  json: (value) => JSON.stringify({ value }),
  shell: (value) => quoteShell(value),
  'wrapped base64': (value) =>
    (
      Buffer.from(value.repeat(4))
        .toString('base64')
        .match(/.{1,20}/g) ?? []
    ).join('\n'),
};
/** Pieces that would give a canary away, whichever way it was encoded. */
const TELLTALES = [
  'c4n',
  'cret',
  '4711',
  ...[0, 1, 2].map((at) =>
    Buffer.from(CANARY)
      .toString('base64')
      .slice(at * 8, at * 8 + 8),
  ),
];

/** What a stream gives out, cut at these places; checks that the parts cover the bytes. */
function redactStream(redaction: Redaction, bytes: Buffer, cuts: readonly number[]): string {
  const stream = redaction.openStream();
  const places = [0, ...cuts, bytes.length];
  let covered = 0;
  let text = '';
  const take = (part: { rawBytes: number; text: string } | null) => {
    covered += part?.rawBytes ?? 0;
    text += part?.text ?? '';
  };
  for (let at = 1; at < places.length; at += 1) take(stream.push(bytes.subarray(places[at - 1], places[at])));
  take(stream.end());
  expect(covered).toBe(bytes.length);
  return text;
}

describe('redaction of values (S16)', () => {
  const redaction = createRedaction([CANARY]);

  it.each(Object.entries(ENCODINGS))('as %s, cut at every byte', (_name, encode) => {
    const bytes = Buffer.from(`first line\nbefore ${encode(CANARY)} after\nlast line\n`);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const text = redactStream(redaction, bytes, [cut]);
      expect(text).toContain(REDACTED);
      for (const telltale of TELLTALES) expect(text).not.toContain(telltale);
      expect(text.startsWith('first line\nbefore ')).toBe(true);
      expect(text.endsWith('last line\n')).toBe(true);
    }
  });

  it('broken over lines at every place', () => {
    for (let at = 1; at < CANARY.length; at += 1) {
      const bytes = Buffer.from(`a line\n${CANARY.slice(0, at)}\n${CANARY.slice(at)}\nb\n`);
      for (const cut of [bytes.indexOf('\n', 8), bytes.indexOf('\n', 8) + 1]) {
        expect(redactStream(redaction, bytes, [cut])).toBe(`a line\n${REDACTED}\nb\n`);
      }
    }
  });

  it('and leaves everything else exactly as it was', () => {
    const word = fc.string({ unit: fc.constantFrom(...'c4n\'ary "\n\r ü€𝄞x'), maxLength: 60 });
    const pieces = fc.array(fc.oneof(word, fc.constant(CANARY)), { maxLength: 8 });
    fc.assert(
      fc.property(pieces, fc.array(fc.nat(), { maxLength: 6 }), (parts, cuts) => {
        const bytes = Buffer.from(parts.join('|'));
        const places = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
        const text = redactStream(redaction, bytes, places);
        expect(text).toBe(parts.join('|').replaceAll(CANARY, REDACTED));
      }),
      { numRuns: 300 },
    );
  });

  it('gives out whole lines at once, and what follows when it comes', () => {
    const stream = redaction.openStream();
    const toPart = (text: string) => ({ raw: Buffer.from(text), rawBytes: text.length, text });
    expect(stream.push(Buffer.from('one\ntwo'))).toEqual(toPart('one\n'));
    expect(stream.push(Buffer.from(' more\n'))).toEqual(toPart('two more\n'));
    expect(stream.end()).toBeNull();
  });

  it('keeps little in hand, whatever comes', () => {
    const stream = redaction.openStream();
    let given = 0;
    for (let at = 0; at < 200; at += 1) given += stream.push(Buffer.alloc(32_768, 'x'))?.rawBytes ?? 0;
    expect(200 * 32_768 - given).toBeLessThan(300_000);
  });

  it('is the same for one text', () => {
    expect(redaction.text(`x ${CANARY} y`)).toBe(`x ${REDACTED} y`);
    expect(createRedaction([]).text('plain')).toBe('plain');
    expect(createRedaction(['abc']).text('abc')).toBe('abc');
  });
});

describe('redaction of shapes', () => {
  const redaction = createRedaction([]);
  const pem = `-----BEGIN EC PRIVATE KEY-----\n${'QUJD\n'.repeat(60)}-----END EC PRIVATE KEY-----`;
  const token = `K10${'ab12'.repeat(16)}::server:0123456789abcdef`;

  it.each([
    ['a private key', `key: |\n${pem}\nnext: 1\n`, `key: |\n${REDACTED}\nnext: 1\n`],
    ['a join token', `token ${token} end\n`, `token ${REDACTED} end\n`],
    [
      'a kubeconfig key',
      '    client-key-data: LS0tLS1CRUdJTiBFQyBQUklWQVRF\n    x: 1\n',
      `    client-key-data: ${REDACTED}\n    x: 1\n`,
    ],
    ['a web token', 'Bearer eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlIn0.c2lnbmF0dXJl\n', `Bearer ${REDACTED}\n`],
  ])('%s, cut at every byte', (_name, raw, expected) => {
    const bytes = Buffer.from(raw);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect(redactStream(redaction, bytes, [cut])).toBe(expected);
    }
  });

  it('does not wait for ever for the end of a key', () => {
    const stream = redaction.openStream();
    let text = stream.push(Buffer.from('-----BEGIN PRIVATE KEY-----\n'))?.text ?? '';
    for (let at = 0; at < 40; at += 1) text += stream.push(Buffer.from(`${'A'.repeat(1023)}\n`))?.text ?? '';
    expect(text.length).toBeGreaterThan(0);
    expect(text).toContain(REDACTED);
  });
});

describe('printable text', () => {
  it('keeps colours and drops what a terminal or a page could trip over', () => {
    const redaction = createRedaction([]);
    expect(redaction.text('\u001b[1;31mred\u001b[0m \u001b]0;title\u0007 a\u0000b\u202ec\tend')).toBe(
      '\u001b[1;31mred\u001b[0m \ufffd]0;title\ufffd a\ufffdb\ufffdc\tend',
    );
  });
});
