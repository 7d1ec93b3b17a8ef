import { toSafeLine } from '@/lib/core/text';

const MAX_LINE = 4_000;

/** Colours and other sequences of terminals, as hosts' programs print them (ECMA-48, 5.4). */
const SEQUENCE = /\u001b\[[0-?]*[ -/]*[@-~]/g;

/** Characters that JSON lets through and that a terminal may act on. */
const RISKY = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Text from a server or host, made harmless for a terminal; line breaks stay, tabs become blanks. */
export function toSafeText(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => toSafeLine(line.replace(SEQUENCE, '').replaceAll('\t', '    '), MAX_LINE))
    .join('\n');
}

/** JSON that holds no character a terminal acts on: they stand as `\uXXXX`, so readers get the same values. */
export function toSafeJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    RISKY,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What a table shows of a value of a server or host. */
export function toShownCell(text: string): string {
  return toSafeLine(text.replace(SEQUENCE, ''));
}

/** Rows under headings, as wide as they need; no trailing blanks. */
export function toTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [headings, ...rows].map((row) => row.map(toShownCell));
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Where a command writes: results to standard output, everything else to standard error. */
export class Output {
  constructor(readonly isJson: boolean) {}

  /** The result: `value` with --json, else `text`. */
  result(value: unknown, text: string): void {
    process.stdout.write(`${this.isJson ? toSafeJson(value) : toSafeText(text)}\n`);
  }

  /** A piece of a result that comes over time; nothing with --json. */
  piece(text: string): void {
    if (!this.isJson) process.stdout.write(`${toSafeText(text)}\n`);
  }

  /** Bytes of a result as they are: a file, a token. */
  raw(text: string | Uint8Array): void {
    process.stdout.write(text);
  }

  /** A remark for the person; never part of the result. */
  note(text: string): void {
    process.stderr.write(`${toSafeText(text)}\n`);
  }
}
