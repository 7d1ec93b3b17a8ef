import { toSafeLine } from '@/lib/core/text';

const MAX_LIST = 2_000;

/** The lines of a script's output by their first word. All of it is hostile: `all` and `find` give safe text only. */
export class LineReader {
  readonly #byKey = new Map<string, string[]>();

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const space = line.indexOf(' ');
      const key = space < 0 ? line : line.slice(0, space);
      const values = this.#byKey.get(key) ?? [];
      if (values.length >= MAX_LIST) continue;
      values.push(space < 0 ? '' : line.slice(space + 1));
      this.#byKey.set(key, values);
    }
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  all(key: string): readonly string[] {
    return (this.#byKey.get(key) ?? []).map((value) => toSafeLine(value, 300));
  }

  /** The rest of the first line with this key; empty when there is none. */
  find(key: string): string {
    return (this.all(key)[0] ?? '').trim();
  }

  /** The same as it came, for base64. */
  raw(key: string): string {
    return (this.#byKey.get(key)?.[0] ?? '').trim();
  }
}

/** Base64 of UTF-8 text as one safe line, or null for anything else. */
export function findEncodedText(encoded: string, max = 300): string | null {
  const text = decodeText(encoded);
  return text === null ? null : toSafeLine(text, max);
}

/** Base64 of UTF-8 text, as it is; null for anything else. */
export function decodeText(encoded: string): string | null {
  try {
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

export function toCountOr0(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}
