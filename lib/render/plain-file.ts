import type { SecretRef } from '@/lib/topology/topology';
import { MANAGED_HEADER } from './managed-header';
import type { RenderedFile } from './rendered-file';

/** What is particular about a file; the rest are the usual values. */
interface PlainFile {
  readonly path: string;
  /** Text below the first line that says whose file it is. */
  readonly body: string;
  readonly purpose: string;
  readonly mode?: '0600' | '0644';
  readonly secrets?: readonly SecretRef[];
  readonly readBy?: readonly string[];
}

/** A file of root, 0644 unless stated, on every host. Its format must have `#` comments. */
export function toPlainFile({ path, body, purpose, mode, secrets, readBy }: PlainFile): RenderedFile {
  return {
    path,
    mode: mode ?? '0644',
    owner: 'root',
    group: 'root',
    content: MANAGED_HEADER + body,
    secrets: [...(secrets ?? [])],
    readBy: [...(readBy ?? [])],
    onlyWithUnit: null,
    purpose,
  };
}
