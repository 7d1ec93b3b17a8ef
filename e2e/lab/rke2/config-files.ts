import { parse } from 'yaml';
import { isKnownKey } from './known-keys';
import type { Rke2Role } from './known-keys';

/** Every value as the list of strings that the flag would have been given on a command line. */
export type ConfigValues = ReadonlyMap<string, readonly string[]>;

export interface ConfigFile {
  path: string;
  text: string;
}

function toStrings(value: unknown): string[] {
  if (value === null || value === undefined) return [''];
  return (Array.isArray(value) ? value : [value]).map((item) => String(item));
}

/**
 * Merges config.yaml and its drop-ins, in the order given: a later value replaces an earlier one, lists too; `key+`
 * appends. Keys that the role does not know are left out, with RKE2's own warning for each
 * (RKE2 docs install/configuration; k3s configfilearg). Throws with the path when a file is not a YAML mapping.
 */
export function mergeConfigFiles(
  role: Rke2Role,
  files: readonly ConfigFile[],
): { values: ConfigValues; warnings: string[] } {
  const merged = new Map<string, string[]>();
  for (const file of files) {
    const document: unknown = parse(file.text) ?? {};
    if (typeof document !== 'object' || document === null || Array.isArray(document)) {
      throw new Error(`failed to parse ${file.path}: yaml: not a mapping`);
    }
    for (const [rawKey, value] of Object.entries(document)) {
      const appends = rawKey.endsWith('+');
      const key = appends ? rawKey.slice(0, -1) : rawKey;
      merged.set(key, appends ? [...(merged.get(key) ?? []), ...toStrings(value)] : toStrings(value));
    }
  }
  const unknown = [...merged.keys()].filter((key) => !isKnownKey(role, key));
  for (const key of unknown) merged.delete(key);
  return {
    values: merged,
    warnings: unknown.map((key) => `Unknown flag --${key} found in config.yaml, skipping\n`),
  };
}

/**
 * Lays command line flags (`--key=value`, `--key value`, bare `--key`) over the values of the files. Unlike in a
 * file, an unknown flag throws.
 */
export function mergeFlags(role: Rke2Role, values: ConfigValues, argv: readonly string[]): ConfigValues {
  const flags = new Map<string, string[]>();
  for (let index = 0; index < argv.length; index += 1) {
    const [, key, inline] = /^--?([^=]+)(?:=([\s\S]*))?$/.exec(argv[index] ?? '') ?? [];
    if (key === undefined) continue;
    if (!isKnownKey(role, key)) throw new Error(`flag provided but not defined: -${key}`);
    const next = argv[index + 1];
    const takesNext = inline === undefined && next !== undefined && !next.startsWith('-');
    if (takesNext) index += 1;
    const value = inline ?? (takesNext ? next : 'true');
    flags.set(key, [...(flags.get(key) ?? []), value]);
  }
  return new Map([...values, ...flags]);
}
