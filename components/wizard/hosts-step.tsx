'use client';
import { useState } from 'react';
import type { ComponentType } from 'react';
import type { CredentialView } from '@/lib/access/credential-view';
import { toOpaqueId } from '@/lib/core/ids';
import { toCount } from '@/lib/core/text';
import type { DocumentPath } from '@/lib/topology/edit-topology';
import { useHostKeys, useJob } from '@/components/live/use-live';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { ErrorPanel } from '@/components/ui/panels';
import { useAction } from '@/components/ui/use-action';
import type { CredentialDialogProps, WizardActions } from './actions';
import { addHosts, addNode, countLoginless, shareLogin } from './document';
import { toLooseNodes, toNewNode, toReached } from './document';
import type { LooseNode } from './document';
import { listHostKeyEntries } from './host-key-state';
import { HostRow } from './host-row';
import { KnownHostsDialog } from './known-hosts-dialog';
import { PasteHosts } from './paste-hosts';
import type { Wizard } from './use-wizard';

/** Keys to read: each host's, and each bastion's once. */
function countKeys(nodes: readonly LooseNode[]): number {
  return nodes.length + new Set(nodes.flatMap((node) => toReached(node).hops)).size;
}

function newNodeId(): string {
  return toOpaqueId('n', crypto.getRandomValues(new Uint8Array(12)));
}

interface Props {
  readonly wizard: Wizard;
  readonly actions: WizardActions;
  readonly credentials: readonly CredentialView[];
  readonly CredentialDialog: ComponentType<CredentialDialogProps>;
}

/** Step 2: the hosts, how they are reached, and their keys. */
export function HostsStep({ wizard, actions, credentials: known, CredentialDialog }: Props) {
  const [made, setMade] = useState<readonly CredentialView[]>([]);
  const [dialogFor, setDialogFor] = useState<DocumentPath | null>(null);
  const [importFor, setImportFor] = useState<string | null>(null);
  const [isStoring, setIsStoring] = useState(false);
  const { draft } = wizard;
  const nodes = toLooseNodes(draft.document);
  const loginless = countLoginless(draft.document);
  const keys = useHostKeys(draft.siteId);
  const scan = useJob(draft.scanJobId);
  const approve = useAction(actions.approveHostKey);
  const scanning = useAction(actions.startScan);
  const isReading = scan?.state === 'queued' || scan?.state === 'running';

  const readKeys = async () => {
    const siteId = await wizard.storeSite();
    if (siteId) scanning.run({ siteId }, ({ jobId }) => wizard.update({ scanJobId: jobId }));
  };
  const openImport = async () => {
    setIsStoring(true);
    setImportFor(await wizard.storeSite());
    setIsStoring(false);
  };
  return (
    <div className="flex flex-col gap-4">
      <ul aria-label="Hosts" className="flex flex-col gap-3">
        {nodes.map((node, index) => (
          <HostRow
            key={index}
            wizard={wizard}
            index={index}
            node={node}
            credentials={[...known, ...made]}
            keys={listHostKeyEntries(toReached(node), keys, scan)}
            isApproving={approve.isBusy}
            onApprove={({ nodeId, hop }, fingerprint) =>
              draft.siteId &&
              approve.run({ siteId: draft.siteId, nodeId, fingerprint, ...(hop !== null && { hop }) })
            }
            onNewCredential={setDialogFor}
          />
        ))}
      </ul>
      <div className="flex flex-wrap items-center gap-2">
        <Button
          look={nodes.length === 0 ? 'primary' : 'plain'}
          onClick={() =>
            wizard.update({ document: addNode(draft.document, toNewNode(draft.document, newNodeId())) })
          }
        >
          Add a host
        </Button>
        {loginless > 0 && (
          <Button onClick={() => wizard.update({ document: shareLogin(draft.document) })}>
            Sign in to the {loginless === 1 ? 'other' : `${loginless} others`} the same way
          </Button>
        )}
        {nodes.length > 0 && (
          <Button
            isBusy={scanning.isBusy || isReading}
            reason={wizard.check.topology ? null : 'Correct the marked fields first.'}
            onClick={() => void readKeys()}
          >
            Read {toCount(countKeys(nodes), 'host key')}
          </Button>
        )}
        {nodes.length > 0 && (
          <Button
            isBusy={isStoring}
            reason={wizard.check.topology ? null : 'Correct the marked fields first.'}
            onClick={() => void openImport()}
          >
            Import known_hosts
          </Button>
        )}
      </div>
      {wizard.storeError && <ErrorPanel title={wizard.storeError} />}
      <ActionErrorPanel error={scanning.error ?? approve.error} />
      {nodes.length > 0 && (
        <p className="max-w-160 text-soft">
          Compare each fingerprint with what the host itself says (ssh-keygen -lf on its console) before you
          approve it. After that the key is pinned: a host that shows another one is refused.
        </p>
      )}
      <PasteHosts
        onAdd={(hosts) => wizard.update({ document: addHosts(draft.document, hosts, newNodeId) })}
      />
      <KnownHostsDialog
        isOpen={importFor !== null}
        onClose={() => setImportFor(null)}
        siteId={importFor ?? ''}
        importKnownHosts={actions.importKnownHosts}
      />
      <CredentialDialog
        isOpen={dialogFor !== null}
        onClose={() => setDialogFor(null)}
        onCreated={(credential) => {
          setMade([...made, credential]);
          if (dialogFor !== null) wizard.setField(dialogFor, credential.id);
          setDialogFor(null);
        }}
      />
    </div>
  );
}
