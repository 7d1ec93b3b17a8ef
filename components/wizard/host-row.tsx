'use client';
import { ChevronRight, X } from 'lucide-react';
import { useState } from 'react';
import type { CredentialView } from '@/lib/access/credential-view';
import { Button } from '@/components/ui/button';
import { cx } from '@/components/ui/cx';
import { Field } from '@/components/ui/field';
import { Input, Select } from '@/components/ui/input';
import { findingsAt } from './check-document';
import { removeNode, toPort } from './document';
import type { LooseNode } from './document';
import { FindingLine } from './findings-panel';
import { HostKeyLine } from './host-key-line';
import type { HostKeyState } from './host-key-state';
import type { Wizard } from './use-wizard';

interface Props {
  readonly wizard: Wizard;
  readonly index: number;
  readonly node: LooseNode;
  readonly credentials: readonly CredentialView[];
  readonly keyState: HostKeyState;
  readonly isApproving: boolean;
  readonly onApprove: (fingerprint: string) => void;
  readonly onNewCredential: () => void;
}

/** One host: what it is called, how it is reached, and its host key. */
export function HostRow(props: Props) {
  const { wizard, index, node, credentials, keyState, isApproving, onApprove, onNewCredential } = props;
  const [isOpen, setIsOpen] = useState(false);
  const { issues, findings } = wizard.check;
  const at = (...path: string[]) => ['nodes', index, ...path];
  const issue = (...path: string[]) => issues.get([`nodes[${index}]`, ...path].join('.'));
  const set = (path: string[], value: unknown) => wizard.setField(at(...path), value);
  const text = (path: string[]) => (event: { target: { value: string } }) =>
    set(path, event.target.value.trim());
  const optional = (path: string[]) => (event: { target: { value: string } }) =>
    set(path, event.target.value.trim() || undefined);
  return (
    <li className="border border-line bg-raised">
      <div className="grid grid-cols-[7rem_6rem_9rem_6rem_4rem_minmax(9rem,1fr)_auto] items-start gap-2 p-3">
        <Field label="Name" error={issue('name')}>
          {(ids) => <Input {...ids} isMono value={node.name} onChange={text(['name'])} />}
        </Field>
        <Field label="Role" error={issue('role')}>
          {(ids) => (
            <Select {...ids} value={node.role} onChange={text(['role'])}>
              <option value="server">server</option>
              <option value="agent">agent</option>
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
            <Select
              {...ids}
              value={node.ssh.credentialId}
              onChange={(event) =>
                event.target.value === 'new' ? onNewCredential() : optional(['ssh', 'credentialId'])(event)
              }
            >
              <option value="">choose</option>
              {credentials.map((credential) => (
                <option key={credential.id} value={credential.id}>
                  {credential.name} ({credential.kind})
                </option>
              ))}
              <option value="new">New credential…</option>
            </Select>
          )}
        </Field>
        <Button
          look="quiet"
          isCompact
          className="mt-6"
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
        <HostKeyLine state={keyState} isBusy={isApproving} onApprove={onApprove} />
        <Button look="quiet" isCompact aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          <ChevronRight aria-hidden className={cx('size-3', isOpen && 'rotate-90')} />
          More
        </Button>
      </div>
      {isOpen && <MoreFields node={node} issue={issue} set={set} />}
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
