'use client';
import { useRouter } from 'next/navigation';
import { useMemo, useState } from 'react';
import type { ComponentType } from 'react';
import type { CredentialView } from '@/lib/access/credential-view';
import { canonicalJson } from '@/lib/core/hash';
import type { DocumentPath } from '@/lib/topology/edit-topology';
import { toPathText } from '@/lib/topology/edit-topology';
import type { Topology } from '@/lib/topology/topology';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { notify } from '@/components/ui/announcer';
import { Button } from '@/components/ui/button';
import { Field } from '@/components/ui/field';
import { Input } from '@/components/ui/input';
import { Panel } from '@/components/ui/panels';
import { useAction } from '@/components/ui/use-action';
import type { CredentialDialogProps, WizardActions } from './actions';
import { checkDocument } from './check-document';
import { setAt, toLooseNodes, toPort } from './document';
import type { LooseDocument } from './document';
import { CredentialSelect, HopFields, type WayFieldsProps } from './hop-fields';

interface Props {
  readonly siteId: string;
  readonly topology: Topology;
  readonly etag: string;
  readonly credentials: readonly CredentialView[];
  /** Why the viewer may not change it; null when they may. */
  readonly refusal: string | null;
  readonly putTopology: WizardActions['putTopology'];
  readonly CredentialDialog: ComponentType<CredentialDialogProps>;
}

/** How Siteplan reaches each host of a site: address, user, credential, bastions. Stored as a revision of the topology. */
export function SiteAccess(props: Props) {
  const { siteId, topology, etag, credentials: known, refusal, putTopology, CredentialDialog } = props;
  const router = useRouter();
  const [document, setDocument] = useState<LooseDocument>(topology);
  const [made, setMade] = useState<readonly CredentialView[]>([]);
  const [dialogFor, setDialogFor] = useState<DocumentPath | null>(null);
  const { run, isBusy, error } = useAction(putTopology);
  const check = useMemo(() => checkDocument(document), [document]);
  const isSame = check.topology !== null && canonicalJson(check.topology) === canonicalJson(topology);
  const save = () =>
    check.topology &&
    run({ siteId, topology: check.topology, etag }, ({ revision }) => {
      notify(`Stored as revision ${revision}. Read the keys of hosts that are new on the way.`);
      router.refresh();
    });
  const reason = isSame ? 'Nothing was changed.' : check.topology ? null : 'Correct the marked fields first.';
  return (
    <Panel label="ssh access">
      <ul>
        {toLooseNodes(document).map((node, index) => (
          <li key={node.id} className="flex flex-col gap-2 border-b border-grid p-3">
            <h3 className="font-mono">{node.name}</h3>
            <LoginRow
              document={document}
              index={index}
              node={node}
              credentials={[...known, ...made]}
              issues={check.issues}
              onChange={setDocument}
              onNewCredential={setDialogFor}
            />
            <HopFields
              document={document}
              index={index}
              node={node}
              credentials={[...known, ...made]}
              issues={check.issues}
              onChange={setDocument}
              onNewCredential={setDialogFor}
            />
          </li>
        ))}
      </ul>
      <div className="flex flex-col gap-3 p-3">
        <ActionErrorPanel error={error} />
        <Button className="self-start" isBusy={isBusy} reason={refusal ?? reason} onClick={save}>
          Store the access
        </Button>
      </div>
      <CredentialDialog
        isOpen={dialogFor !== null}
        onClose={() => setDialogFor(null)}
        onCreated={(credential) => {
          setMade([...made, credential]);
          if (dialogFor !== null) setDocument(setAt(document, dialogFor, credential.id));
          setDialogFor(null);
        }}
      />
    </Panel>
  );
}

/** The last login of the way: the host itself. */
function LoginRow({ document, index, node, credentials, issues, onChange, onNewCredential }: WayFieldsProps) {
  const at = (key: string) => ['nodes', index, 'ssh', key];
  const set = (key: string, value: unknown) => onChange(setAt(document, at(key), value));
  const issue = (key: string) => issues.get(toPathText(at(key)));
  return (
    <div className="grid max-w-280 grid-cols-[minmax(6rem,1fr)_4rem_6rem_minmax(6rem,1fr)_2.5rem] items-start gap-2 max-md:grid-cols-2">
      <Field label="SSH address" help={`Empty: ${node.internalIp}.`} error={issue('address')}>
        {(ids) => (
          <Input
            {...ids}
            isMono
            placeholder={node.internalIp}
            value={node.ssh.address}
            onChange={(event) => set('address', event.target.value.trim() || undefined)}
          />
        )}
      </Field>
      <Field label="Port" error={issue('port')}>
        {(ids) => (
          <Input
            {...ids}
            isMono
            inputMode="numeric"
            value={node.ssh.port}
            onChange={(event) => set('port', toPort(event.target.value.trim()))}
          />
        )}
      </Field>
      <Field label="User" error={issue('user')}>
        {(ids) => (
          <Input
            {...ids}
            isMono
            value={node.ssh.user}
            onChange={(event) => set('user', event.target.value.trim())}
          />
        )}
      </Field>
      <Field label="Credential" error={issue('credentialId')}>
        {(ids) => (
          <CredentialSelect
            {...ids}
            value={node.ssh.credentialId}
            credentials={credentials}
            onChange={(id) => set('credentialId', id || undefined)}
            onNew={() => onNewCredential(at('credentialId'))}
          />
        )}
      </Field>
    </div>
  );
}
