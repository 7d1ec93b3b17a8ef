'use client';
import { X } from 'lucide-react';
import type { CredentialView } from '@/lib/access/credential-view';
import type { DocumentPath } from '@/lib/topology/edit-topology';
import { toPathText } from '@/lib/topology/edit-topology';
import { Button } from '@/components/ui/button';
import { Field } from '@/components/ui/field';
import { Input, Select } from '@/components/ui/input';
import { addHop, MAX_HOPS, removeHop, setAt, toPort } from './document';
import type { LooseDocument, LooseLogin, LooseNode } from './document';

/** What the fields of one way to a host need, for its hops and for the host itself. */
export interface WayFieldsProps {
  readonly document: LooseDocument;
  /** Place of the node in the document. */
  readonly index: number;
  readonly node: LooseNode;
  readonly credentials: readonly CredentialView[];
  /** What the schema refuses, by path text. */
  readonly issues: ReadonlyMap<string, string>;
  readonly onChange: (document: LooseDocument) => void;
  /** Asked to make a credential for the login at this path. */
  readonly onNewCredential: (path: DocumentPath) => void;
}

/** The bastions on the way to a host, in the order of the way. */
export function HopFields({ document, index, node, onChange, ...rest }: WayFieldsProps) {
  const reason =
    node.hops.length >= MAX_HOPS ? `At most ${MAX_HOPS} bastions stand on the way to a host.` : null;
  return (
    <section aria-label={`Bastions on the way to ${node.name}`} className="flex flex-col gap-2">
      {node.hops.map((hop, place) => (
        <fieldset key={hop.path.length} className="flex flex-col gap-1">
          <legend className="drawn-label mb-1">
            {place === 0 ? 'Siteplan signs in here first' : `then from there, bastion ${place + 1}`}
          </legend>
          <div className="grid max-w-280 grid-cols-[minmax(6rem,1fr)_4rem_6rem_minmax(6rem,1fr)_2.5rem] items-start gap-2 max-md:grid-cols-2">
            <HopRow
              {...rest}
              hop={hop}
              path={['nodes', index, ...hop.path]}
              set={(key, value) => onChange(setAt(document, ['nodes', index, ...hop.path, key], value))}
            />
            <Button
              look="quiet"
              isCompact
              className="mt-6 max-md:mt-0"
              aria-label={`Remove bastion ${place + 1} of ${node.name}`}
              onClick={() => onChange(removeHop(document, index, hop.path))}
            >
              <X aria-hidden className="size-4" />
            </Button>
          </div>
        </fieldset>
      ))}
      <Button
        isCompact
        className="self-start"
        reason={reason}
        onClick={() => onChange(addHop(document, index, { address: '', ...toSameLogin(node) }))}
      >
        {node.hops.length === 0 ? 'Go through a bastion' : 'Put another bastion in front'}
      </Button>
    </section>
  );
}

/** A bastion is mostly entered with the key of the host behind it. */
function toSameLogin({ ssh: { user, credentialId } }: LooseNode): LooseDocument {
  return { user, ...(credentialId && { credentialId }) };
}

interface HopRowProps extends Pick<WayFieldsProps, 'credentials' | 'issues' | 'onNewCredential'> {
  readonly hop: LooseLogin;
  readonly path: DocumentPath;
  readonly set: (key: string, value: unknown) => void;
}

function HopRow({ hop, path, set, credentials, issues, onNewCredential }: HopRowProps) {
  const issue = (key: string) => issues.get(toPathText([...path, key]));
  return (
    <>
      <Field label="Bastion address" error={hop.address === '' ? 'type the address' : issue('address')}>
        {(ids) => (
          <Input
            {...ids}
            isMono
            placeholder="192.0.2.1"
            value={hop.address}
            onChange={(event) => set('address', event.target.value.trim())}
          />
        )}
      </Field>
      <Field label="Port" error={issue('port')}>
        {(ids) => (
          <Input
            {...ids}
            isMono
            inputMode="numeric"
            value={hop.port}
            onChange={(event) => set('port', toPort(event.target.value.trim()))}
          />
        )}
      </Field>
      <Field label="User" error={issue('user')}>
        {(ids) => (
          <Input
            {...ids}
            isMono
            value={hop.user}
            onChange={(event) => set('user', event.target.value.trim())}
          />
        )}
      </Field>
      <Field label="Credential" error={issue('credentialId')}>
        {(ids) => (
          <CredentialSelect
            {...ids}
            value={hop.credentialId}
            credentials={credentials}
            onChange={(id) => set('credentialId', id || undefined)}
            onNew={() => onNewCredential([...path, 'credentialId'])}
          />
        )}
      </Field>
    </>
  );
}

interface SelectProps {
  readonly id: string;
  readonly value: string;
  readonly credentials: readonly CredentialView[];
  readonly onChange: (credentialId: string) => void;
  readonly onNew: () => void;
}

/** What signs in: one of the stored credentials, or a new one. */
export function CredentialSelect({ value, credentials, onChange, onNew, ...ids }: SelectProps) {
  return (
    <Select
      {...ids}
      value={value}
      onChange={(event) => (event.target.value === 'new' ? onNew() : onChange(event.target.value))}
    >
      <option value="">choose</option>
      {credentials.map((credential) => (
        <option key={credential.id} value={credential.id}>
          {credential.name} ({credential.kind})
        </option>
      ))}
      <option value="new">New credential…</option>
    </Select>
  );
}
