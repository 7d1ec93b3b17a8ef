import type { SecretRef } from '@/lib/topology/topology';
import { fillClusterCa, findPinnedCa } from './cluster-ca';
import type { RenderedFile } from './rendered-file';
import { fillSecretSlots, toSlottedText } from './secret-slot';

type KnownSecrets = readonly { readonly ref: SecretRef; readonly value: string }[];

/**
 * Text of a file that was read from a host, with slots where known secrets stand. A file that is just what the renderer
 * wrote, filled, is that one again, whatever its secrets are: short ones, equal ones, one that is the name of a bucket
 * too. In any other the values are looked for (`toSlottedText`). The hash of a pinned CA stays.
 */
export function toSlottedFile(text: string, rendered: RenderedFile | undefined, known: KnownSecrets): string {
  return findSame(text, rendered, known) ?? toSlottedText(text, known);
}

function findSame(text: string, rendered: RenderedFile | undefined, known: KnownSecrets): string | null {
  if (!rendered || rendered.secrets.length === 0) return null;
  const valueOf = (ref: SecretRef) =>
    known.find((each) => each.ref.id === ref.id && each.ref.version === ref.version)?.value;
  if (rendered.secrets.some((ref) => valueOf(ref) === undefined)) return null;
  const pinned = findPinnedCa(text);
  const content = pinned === null ? rendered.content : fillClusterCa(rendered.content, pinned);
  return fillSecretSlots(content, rendered.secrets, valueOf) === text ? content : null;
}
