import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A value that must turn up nowhere, with a name for the report. */
export interface Canary {
  readonly name: string;
  readonly value: string;
}

/** Forms in which a secret can leak: as it is, base64 at each alignment, hexadecimal, URL-encoded. */
function toForms(value: string): string[] {
  const base64 = [0, 1, 2].map((pad) => {
    const text = Buffer.concat([Buffer.alloc(pad), Buffer.from(value)]).toString('base64');
    return text.slice(pad === 0 ? 0 : pad + 1, -4); // without the letters that depend on the neighbours
  });
  return [value, ...base64, Buffer.from(value).toString('hex'), encodeURIComponent(value)].filter(
    (form) => form.length >= 12,
  );
}

/** Names of the canaries that `haystack` holds in any form. */
export function findCanaries(haystack: string | Buffer, canaries: readonly Canary[]): string[] {
  const bytes = typeof haystack === 'string' ? Buffer.from(haystack, 'utf8') : haystack;
  return canaries
    .filter(({ value }) => toForms(value).some((form) => bytes.includes(form)))
    .map(({ name }) => name);
}

/** Searches every file below `dir`, except in the directories named; answers `file: canary`. */
export function searchFiles(dir: string, canaries: readonly Canary[], except: readonly string[]): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return except.includes(entry.name) ? [] : searchFiles(path, canaries, except);
    if (!entry.isFile()) return [];
    return findCanaries(readFileSync(path), canaries).map((name) => `${path}: ${name}`);
  });
}

export interface ProcessWatch {
  /** Ends the watch; answers `command: canary` for everything seen, and how many looks it took. */
  readonly stop: () => { found: string[]; looks: number };
}

/**
 * Looks at the command line and environment of every process of this machine, the lab hosts' included (they share its
 * kernel), about fifty times a second, and keeps the texts; they are searched at the end, when the secrets are known.
 */
export function watchProcesses(toCanaries: () => readonly Canary[]): ProcessWatch {
  const texts = new Set<string>();
  let looks = 0;
  let isOver = false;
  const read = (path: string) => {
    try {
      return readFileSync(path, 'latin1');
    } catch {
      return ''; // it ended meanwhile
    }
  };
  const look = (): void => {
    if (isOver) return;
    looks += 1;
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      texts.add(read(`/proc/${name}/cmdline`)).add(read(`/proc/${name}/environ`));
    }
    setTimeout(look, 20);
  };
  look();
  return {
    stop: () => {
      isOver = true;
      const canaries = toCanaries();
      const found = [...texts].flatMap((text) =>
        findCanaries(Buffer.from(text, 'latin1'), canaries).map((name) => `${text.slice(0, 80)}: ${name}`),
      );
      return { found, looks };
    },
  };
}
