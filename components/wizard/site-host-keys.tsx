'use client';
import { useState } from 'react';
import type { HostKeyView } from '@/lib/access/host-key-view';
import type { JobView } from '@/lib/run/job-view';
import { useHostKeys, useJob } from '@/components/live/use-live';
import { useAction } from '@/components/ui/use-action';
import type { HostKeyChoice, RevokeHostKey, SiteWorkActions } from './actions';
import { listHostKeyEntries, type HostKeyEntry } from './host-key-state';
import { HostKeysPanel } from './host-keys-panel';
import { RevokeKey } from './revoke-key';

/** A node with the bastions on its way, `address:port` each. */
export interface ReachedNode {
  readonly id: string;
  readonly name: string;
  readonly hops: readonly string[];
}

interface Props {
  readonly siteId: string;
  readonly nodes: readonly ReachedNode[];
  readonly hostKeys: readonly HostKeyView[];
  /** Newest scan, null where there was none. */
  readonly scan: JobView | null;
  /** Why the viewer may not approve; null when they may. */
  readonly refusal: string | null;
  readonly actions: Pick<SiteWorkActions, 'startScan' | 'approveHostKey' | 'importKnownHosts'>;
  /** Absent where approvals are only given. */
  readonly revokeHostKey?: RevokeHostKey;
}

/** The host keys of a site: what each host on the way offers, and what is approved. */
export function SiteHostKeys({
  siteId,
  nodes,
  hostKeys,
  scan: newest,
  refusal,
  actions,
  revokeHostKey,
}: Props) {
  const keys = useHostKeys(siteId, hostKeys);
  const [scanId, setScanId] = useState<string | null>(newest?.id ?? null);
  const scan = useJob(scanId, newest);
  const [scanning, approving] = [useAction(actions.startScan), useAction(actions.approveHostKey)];
  const [doomed, setDoomed] = useState<{ choice: HostKeyChoice; host: string } | null>(null);
  const nameOf = (nodeId: string) => nodes.find(({ id }) => id === nodeId)?.name ?? nodeId;
  const toChoice = ({ nodeId, hop }: { nodeId: string; hop: string | null }, fingerprint: string) => ({
    siteId,
    nodeId,
    fingerprint,
    ...(hop !== null && { hop }),
  });
  return (
    <>
      <HostKeysPanel
        siteId={siteId}
        hosts={nodes.map((node) => ({ name: node.name, entries: listHostKeyEntries(node, keys, scan) }))}
        isReading={scanning.isBusy || scan?.state === 'queued' || scan?.state === 'running'}
        isApproving={approving.isBusy}
        refusal={refusal}
        error={scanning.error ?? approving.error}
        onRead={() => scanning.run({ siteId }, ({ jobId }) => setScanId(jobId))}
        onApprove={(entry, fingerprint) => approving.run(toChoice(entry, fingerprint))}
        {...(revokeHostKey && {
          onRevoke: (entry: HostKeyEntry, fingerprint: string) =>
            setDoomed({ choice: toChoice(entry, fingerprint), host: entry.hop ?? nameOf(entry.nodeId) }),
        })}
        importKnownHosts={actions.importKnownHosts}
      />
      {revokeHostKey && (
        <RevokeKey
          choice={doomed?.choice ?? null}
          host={doomed?.host ?? ''}
          onClose={() => setDoomed(null)}
          revokeHostKey={revokeHostKey}
        />
      )}
    </>
  );
}
