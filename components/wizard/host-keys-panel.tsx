'use client';
import { useState } from 'react';
import type { ActionError } from '@/lib/core/action-result';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { Panel } from '@/components/ui/panels';
import type { ImportKnownHosts } from './actions';
import { HostKeyLine, toHostWords } from './host-key-line';
import type { HostKeyEntry } from './host-key-state';
import { KnownHostsDialog } from './known-hosts-dialog';

interface Props {
  readonly siteId: string;
  /** Keys per node: those of the bastions on the way first. */
  readonly hosts: readonly { readonly name: string; readonly entries: readonly HostKeyEntry[] }[];
  readonly isReading: boolean;
  readonly isApproving: boolean;
  readonly refusal: string | null;
  readonly error: ActionError | null;
  readonly onRead: () => void;
  readonly onApprove: (entry: HostKeyEntry, fingerprint: string) => void;
  readonly onRevoke?: (entry: HostKeyEntry, fingerprint: string) => void;
  readonly importKnownHosts: ImportKnownHosts;
}

/** Every host that is signed in to, bastions included, and the key that it must show. */
export function HostKeysPanel(props: Props) {
  const { siteId, hosts, isReading, isApproving, refusal, error, onRead, onApprove, onRevoke } = props;
  const [isImporting, setIsImporting] = useState(false);
  return (
    <Panel
      label="host keys"
      aside={
        <span className="flex gap-1">
          <Button isCompact look="quiet" reason={refusal} onClick={() => setIsImporting(true)}>
            Import known_hosts
          </Button>
          <Button isCompact look="quiet" isBusy={isReading} onClick={onRead}>
            Read them again
          </Button>
        </span>
      }
    >
      <ul>
        {hosts.flatMap(({ name, entries }) =>
          entries.map((entry) => (
            <li
              key={`${entry.nodeId} ${entry.hop ?? ''}`}
              className="border-b border-grid px-3 py-1.5 last:border-0"
            >
              <HostKeyLine
                host={entry.hop === null ? name : `${toHostWords(name, entry)} for ${name}`}
                state={entry.state}
                isBusy={isApproving}
                refusal={refusal}
                onApprove={(fingerprint) => onApprove(entry, fingerprint)}
                {...(onRevoke && { onRevoke: (fingerprint: string) => onRevoke(entry, fingerprint) })}
              />
            </li>
          )),
        )}
      </ul>
      <ActionErrorPanel error={error} />
      <KnownHostsDialog
        isOpen={isImporting}
        onClose={() => setIsImporting(false)}
        siteId={siteId}
        importKnownHosts={props.importKnownHosts}
      />
    </Panel>
  );
}
