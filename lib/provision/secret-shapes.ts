import type { ByteRange } from './pattern-set';

/** An unfinished PEM block longer than this is no key (RSA with 8192 bits needs 6.4 KiB). */
const MAX_PEM_BYTES = 16 * 1024;
const PEM_WORD = Buffer.from('-----BEGIN ');
const PEM_BEGIN = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----/g;
const PEM_END = /-----END [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----/g;

/** Secrets that have a shape of their own, within one line: a word to look for first, and the whole. */
const LINE_SHAPES: readonly (readonly [Buffer, RegExp])[] = [
  // RKE2 docs, security/token: K10, the CA's hash, then the credential.
  [Buffer.from('K10'), /K10[0-9a-f]{64}::[^\s"']+/g],
  [Buffer.from('client-key-data'), /(?<=client-key-data["']?\s*[:=]\s*["']?)[A-Za-z0-9+/=]{16,}/g],
  // JSON web tokens, as service accounts have them.
  [Buffer.from('eyJ'), /eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+/g],
];

export interface ShapeMatches {
  readonly ranges: readonly ByteRange[];
  /** Where a block begins whose end has not come yet; the end of the data when there is none. */
  readonly openAt: number;
}

/** Finds private keys, RKE2 tokens, kubeconfig keys and web tokens in bytes. */
export function findSecretShapes(data: Buffer): ShapeMatches {
  const ranges: ByteRange[] = [];
  let openAt = data.length;
  const isPem = data.includes(PEM_WORD);
  const shapes = LINE_SHAPES.filter(([word]) => data.includes(word));
  if (!isPem && shapes.length === 0) return { ranges, openAt };
  const text = data.toString('latin1'); // one character per byte, so that places are places
  for (const [, pattern] of shapes) {
    for (const match of text.matchAll(pattern)) {
      ranges.push({ start: match.index, end: match.index + match[0].length });
    }
  }
  for (const begin of isPem ? text.matchAll(PEM_BEGIN) : []) {
    PEM_END.lastIndex = begin.index;
    const end = PEM_END.exec(text);
    if (end) ranges.push({ start: begin.index, end: PEM_END.lastIndex });
    else if (text.length - begin.index > MAX_PEM_BYTES) ranges.push({ start: begin.index, end: text.length });
    else openAt = Math.min(openAt, begin.index);
  }
  return { ranges, openAt };
}
