'use client';
import { ChevronRight, X } from 'lucide-react';
import { useState } from 'react';
import type { CredentialView } from '@/lib/access/credential-view';
import { toCount } from '@/lib/core/text';
import type { DocumentPath } from '@/lib/topology/edit-topology';
import { Button } from '@/components/ui/button';
import { cx } from '@/components/ui/cx';
import { Field } from '@/components/ui/field';
import { Input, Select } from '@/components/ui/input';
import { findingsAt } from './check-document';
import { removeNode, toPort } from './document';
import type { LooseNode } from './document';
import { FindingLine } from './findings-panel';
import { CredentialSelect, HopFields } from './hop-fields';
import { HostKeyLine, toHostWords } from './host-key-line';
import type { HostKeyEntry } from './host-key-state';
import type { Wizard } from './use-wizard';

interface Props {
  readonly wizard: Wizard;
  readonly index: number;
  readonly node: LooseNode;
  readonly credentials: readonly CredentialView[];
  /** Keys of the bastions on the way and, last, of the host. */
  readonly keys: readonly HostKeyEntry[];
  readonly isApproving: boolean;
  readonly onApprove: (entry: HostKeyEntry, fingerprint: string) => void;
  /** Asked to make a credential for the login at this path. */
  readonly onNewCredential: (path: DocumentPath) => void;
}

/** One host: what it is called, how it is reached, and its host key. */
export function HostRow(props: Props) {
  const { wizard, index, node, credentials, keys, isApproving, onApprove, onNewCredential } = props;
  const [isOpen, setIsOpen] = useState(false);
  const { issues, findings } = wizard.check;
  const at = (...path: string[]) => ['nodes', index, ...path];
  const issue = (...path: string[]) => issues.get([`nodes[${index}]`, ...path].join('.'));
  const set = (path: string[], value: unknown) => wizard.setField(at(...path), value);
  const text = (path: string[]) => (event: { target: { value: string } }) =>
    set(path, event.target.value.trim());
  return (
    <li className="@container border border-line bg-raised">
      <div className="grid grid-cols-[6.5rem_9.5rem_10.5rem_5.5rem_4rem_minmax(8rem,1fr)_auto] items-start gap-2 p-3 @max-[680px]:grid-cols-3 @max-[380px]:grid-cols-2">
        <Field label="Name" error={issue('name')}>
          {(ids) => <Input {...ids} isMono value={node.name} onChange={text(['name'])} />}
        </Field>
        <Field label="Role" error={issue('role')}>
          {(ids) => (
            <Select {...ids} value={node.role} onChange={text(['role'])}>
              <option value="server">server</option>
              <option value="agent">agent</option>
              <option value="lb">load balancer</option>
            </Select>
          )}
        </Field>
        <Field label="Address" error={issue('internalIp')}>
          {(ids) => (
            <Input
              {...ids}
              isMono
              placeholder="192.0.2.11"
              value={node.internalIp}
              onChange={text(['internalIp'])}
            />
          )}
        </Field>
        <Field label="User" error={issue('ssh', 'user')}>
          {(ids) => <Input {...ids} isMono value={node.ssh.user} onChange={text(['ssh', 'user'])} />}
        </Field>
        <Field label="Port" error={issue('ssh', 'port')}>
          {(ids) => (
            <Input
              {...ids}
              isMono
              inputMode="numeric"
              value={node.ssh.port}
              onChange={(event) => set(['ssh', 'port'], toPort(event.target.value.trim()))}
            />
          )}
        </Field>
        <Field label="Credential" error={issue('ssh', 'credentialId')}>
          {(ids) => (
            <CredentialSelect
              {...ids}
              value={node.ssh.credentialId}
              credentials={credentials}
              onChange={(id) => set(['ssh', 'credentialId'], id || undefined)}
              onNew={() => onNewCredential(at('ssh', 'credentialId'))}
            />
          )}
        </Field>
        <Button
          look="quiet"
          isCompact
          className="mt-6 @max-[680px]:mt-0 @max-[680px]:justify-self-start"
          aria-label={`Remove host ${node.name}`}
          onClick={() => wizard.update({ document: removeNode(wizard.draft.document, index) })}
        >
          <X aria-hidden className="size-4" />
        </Button>
      </div>
      {findingsAt(findings, `nodes[${index}]`, true).map((finding) => (
        <div key={finding.ruleId} className="border-t border-grid px-3">
          <FindingLine finding={finding} onFix={wizard.applyFix} />
        </div>
      ))}
      <div className="flex flex-wrap items-center justify-between gap-2 border-t border-grid px-3 py-1.5">
        <div className="flex min-w-0 flex-1 flex-col gap-1">
          {keys.map((entry) => (
            <HostKeyLine
              key={entry.hop ?? ''}
              host={keys.length === 1 ? null : toHostWords(node.name, entry)}
              state={entry.state}
              isBusy={isApproving}
              onApprove={(fingerprint) => onApprove(entry, fingerprint)}
            />
          ))}
        </div>
        <Button look="quiet" isCompact aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          <ChevronRight aria-hidden className={cx('size-3', isOpen && 'rotate-90')} />
          More{node.hops.length > 0 && `, ${toCount(node.hops.length, 'bastion')}`}
        </Button>
      </div>
      {isOpen && <MoreFields node={node} issue={issue} set={set} />}
      {isOpen && (
        <div className="border-t border-grid p-3">
          <HopFields
            document={wizard.draft.document}
            index={index}
            node={node}
            credentials={credentials}
            issues={issues}
            onChange={(document) => wizard.update({ document })}
            onNewCredential={onNewCredential}
          />
        </div>
      )}
    </li>
  );
}

interface MoreProps {
  readonly node: LooseNode;
  readonly issue: (...path: string[]) => string | undefined;
  readonly set: (path: string[], value: unknown) => void;
}

/** What is seldom asked of a host. */
function MoreFields({ node, issue, set }: MoreProps) {
  const optional = (path: string[]) => (event: { target: { value: string } }) =>
    set(path, event.target.value.trim() || undefined);
  return (
    <div className="grid grid-cols-2 gap-3 border-t border-grid p-3 lg:grid-cols-4">
      <Field label="SSH address" help="Where it differs from the address." error={issue('ssh', 'address')}>
        {(ids) => <Input {...ids} isMono value={node.ssh.address} onChange={optional(['ssh', 'address'])} />}
      </Field>
      <Field label="External address" help="Announced to clients." error={issue('externalIp')}>
        {(ids) => <Input {...ids} isMono value={node.externalIp} onChange={optional(['externalIp'])} />}
      </Field>
      <Field label="Zone" help="Rack, room or site part." error={issue('zone')}>
        {(ids) => (
          <Input {...ids} value={node.zone} onChange={(event) => set(['zone'], event.target.value)} />
        )}
      </Field>
      <Field label="Architecture" error={issue('arch')}>
        {(ids) => (
          <Select {...ids} value={node.arch} onChange={(event) => set(['arch'], event.target.value)}>
            <option value="amd64">amd64</option>
            <option value="arm64">arm64</option>
          </Select>
        )}
      </Field>
    </div>
  );
}
