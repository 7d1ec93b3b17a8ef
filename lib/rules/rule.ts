import type { DocumentPath } from '@/lib/topology/edit-topology';
import type { Topology } from '@/lib/topology/topology';
import type { Fix, Severity } from './finding';

/** What one rule has found in one place; the catalogue adds the rule's own id, severity and source. */
export interface Hit {
  readonly path: DocumentPath;
  readonly message: string;
  readonly fix: Fix | null;
}

/** One design check: pure, and total for every topology that the schema takes. */
export interface Rule {
  readonly id: string;
  readonly severity: Severity;
  readonly source: string;
  readonly find: (topology: Topology) => Hit[];
}

export function toHit(path: DocumentPath, message: string, fix: Fix | null = null): Hit {
  return { path, message, fix };
}

/** A fix of one edit that puts a value somewhere. */
export function toSetFix(title: string, path: DocumentPath, value: unknown): Fix {
  return { title, edits: [{ op: 'set', path, value }] };
}

/** A fix of one edit that takes something out. */
export function toRemoveFix(title: string, path: DocumentPath): Fix {
  return { title, edits: [{ op: 'remove', path }] };
}
