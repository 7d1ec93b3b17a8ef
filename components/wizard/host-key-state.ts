import type { HostKeyView } from '@/lib/access/host-key-view';
import type { JobView, ScanResult } from '@/lib/run/job-view';

/** What is known of one node's host key. */
export type HostKeyState =
  | { readonly kind: 'unread' | 'reading' }
  | { readonly kind: 'failed'; readonly message: string; readonly nextAction: string }
  | { readonly kind: 'new' | 'changed'; readonly algorithm: string; readonly fingerprint: string }
  | {
      readonly kind: 'approved';
      readonly algorithm: string;
      readonly fingerprint: string;
      readonly by: string;
    };

/**
 * The state of a node's key from the stored keys and the newest scan. A key that was seen after another one was
 * approved counts as changed: everything stops for that node until a person decides.
 */
export function toHostKeyState(
  nodeId: string,
  keys: readonly HostKeyView[],
  scan: JobView | null,
): HostKeyState {
  const own = keys.filter((key) => key.nodeId === nodeId && key.revokedAt === null);
  const approved = own.find((key) => key.approvedAt !== null);
  const seen = own.filter((key) => key.approvedAt === null).sort((a, b) => (a.seenAt < b.seenAt ? 1 : -1))[0];
  const isScanning = scan !== null && (scan.state === 'queued' || scan.state === 'running');
  if (approved && (!seen || seen.seenAt < approved.seenAt)) {
    const { algorithm, fingerprint, approvedBy } = approved;
    return { kind: 'approved', algorithm, fingerprint, by: approvedBy ?? '' };
  }
  if (isScanning) return { kind: 'reading' };
  if (seen)
    return { kind: approved ? 'changed' : 'new', algorithm: seen.algorithm, fingerprint: seen.fingerprint };
  const result = scan?.result as ScanResult | null | undefined; // the worker checks it against its schema
  const failure = result?.nodes.find((node) => node.nodeId === nodeId)?.failure ?? scan?.failure;
  return failure ? { kind: 'failed', ...failure } : { kind: 'unread' };
}
