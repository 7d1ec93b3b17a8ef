import type { HostKeyView } from '@/lib/access/host-key-view';
import type { JobView, ScannedKey, ScanResult } from '@/lib/run/job-view';

interface Key {
  readonly algorithm: string;
  readonly fingerprint: string;
}

/** The key that was approved before another one turned up. */
interface PinnedKey extends Key {
  readonly by: string;
  readonly approvedAt: string;
}

/** What is known of one host's key. */
export type HostKeyState =
  | { readonly kind: 'unread' | 'reading' }
  | { readonly kind: 'failed'; readonly message: string; readonly nextAction: string }
  | ({ readonly kind: 'new' } & Key)
  | ({ readonly kind: 'changed'; readonly was: PinnedKey; readonly seenAt: string } & Key)
  | ({ readonly kind: 'approved' } & PinnedKey);

/** A host on the way to a node, or the node itself, with what is known of its key. */
export interface HostKeyEntry {
  readonly nodeId: string;
  /** `address:port` of a bastion; null for the node itself. */
  readonly hop: string | null;
  readonly state: HostKeyState;
}

/** The keys of everything that is signed in to on the way to a node, bastions first, the node itself last. */
export function listHostKeyEntries(
  node: { readonly id: string; readonly hops: readonly string[] },
  keys: readonly HostKeyView[],
  scan: JobView | null,
): readonly HostKeyEntry[] {
  return [...node.hops, null].map((hop) => ({
    nodeId: node.id,
    hop,
    state: toHostKeyState(node.id, keys, scan, hop),
  }));
}

/**
 * The state of a key from the stored keys and the newest scan. A key that was seen after the approved one was last seen
 * counts as changed beside one of its own type, and as new beside those of other types: in either case a person decides.
 */
export function toHostKeyState(
  nodeId: string,
  keys: readonly HostKeyView[],
  scan: JobView | null,
  hop: string | null = null,
): HostKeyState {
  const own = keys.filter((key) => key.nodeId === nodeId && (key.hop ?? null) === hop);
  const newestFirst = [...own].sort((a, b) => (a.seenAt < b.seenAt ? 1 : -1));
  const pinned = newestFirst.filter((key) => key.approvedAt !== null && key.revokedAt === null);
  const seen = newestFirst.find(isToBeDecided);
  const [approved] = pinned;
  const isScanning = scan !== null && (scan.state === 'queued' || scan.state === 'running');
  if (approved && (!seen || seen.seenAt < approved.seenAt))
    return { kind: 'approved', ...toPinned(approved) };
  if (isScanning) return { kind: 'reading' };
  if (seen) {
    const { algorithm, fingerprint, seenAt } = seen;
    const was = pinned.find((key) => key.algorithm === algorithm);
    return was
      ? { kind: 'changed', algorithm, fingerprint, was: toPinned(was), seenAt }
      : { kind: 'new', algorithm, fingerprint };
  }
  const failure = findScanned(scan, nodeId, hop)?.failure ?? scan?.failure;
  return failure ? { kind: 'failed', ...failure } : { kind: 'unread' };
}

/** Nobody approved it, or somebody took that back and the host showed it again since. */
function isToBeDecided({ approvedAt, revokedAt, seenAt }: HostKeyView): boolean {
  return revokedAt === null ? approvedAt === null : seenAt > revokedAt;
}

function toPinned({ algorithm, fingerprint, approvedBy, approvedAt }: HostKeyView): PinnedKey {
  return { algorithm, fingerprint, by: approvedBy ?? '', approvedAt: approvedAt ?? '' };
}

function findScanned(scan: JobView | null, nodeId: string, hop: string | null): ScannedKey | null {
  const result = scan?.result as ScanResult | null | undefined; // the worker checks it against its schema
  const node = result?.nodes.find((each) => each.nodeId === nodeId);
  if (hop === null) return node ?? null;
  return node?.hops?.find((each) => each.hop === hop) ?? null; // absent in results of older workers
}
