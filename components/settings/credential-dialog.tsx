'use client';
import { useState } from 'react';
import type { CredentialInput, CredentialView } from '@/lib/access/credential-view';
import type { ActionResult } from '@/lib/core/action-result';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { Field } from '@/components/ui/field';
import { Choices, Input, Textarea } from '@/components/ui/input';
import { useAction } from '@/components/ui/use-action';

export type CreateCredential = (input: CredentialInput) => Promise<ActionResult<CredentialView>>;

interface Props {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onCreated: (credential: CredentialView) => void;
  readonly createCredential: CreateCredential;
  /** Workers have an ssh-agent, and this person may lend it to hosts. */
  readonly offersAgent: boolean;
}

const KINDS = [
  { value: 'key', label: 'Private key' },
  { value: 'password', label: 'Password' },
] as const;
const AGENT = {
  value: 'agent',
  label: 'The agent of the workers',
  help: 'The key stays in the ssh-agent beside the worker; Siteplan never has it.',
} as const;

interface Form {
  readonly kind: 'key' | 'password' | 'agent';
  readonly name: string;
  readonly secret: string;
  readonly passphrase: string;
  readonly sudoPassword: string;
}

const EMPTY: Form = { kind: 'key', name: '', secret: '', passphrase: '', sudoPassword: '' };

function toInput(form: Form): CredentialInput {
  const sudo = form.sudoPassword === '' ? {} : { sudoPassword: form.sudoPassword };
  if (form.kind === 'password') return { kind: 'password', name: form.name, password: form.secret, ...sudo };
  if (form.kind === 'agent') {
    const publicKey = form.secret.trim() === '' ? {} : { publicKey: form.secret };
    return { kind: 'agent', name: form.name, ...publicKey, ...sudo };
  }
  const passphrase = form.passphrase === '' ? {} : { passphrase: form.passphrase };
  return { kind: 'key', name: form.name, privateKey: form.secret, ...passphrase, ...sudo };
}

/** Adds a credential. What is secret goes to the workers sealed and is never shown again. */
export function CredentialDialog({ isOpen, onClose, ...rest }: Props) {
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title="New credential">
      <CredentialForm onClose={onClose} {...rest} />
    </Dialog>
  );
}

function CredentialForm({ onClose, onCreated, createCredential, offersAgent }: Omit<Props, 'isOpen'>) {
  const [form, setForm] = useState(EMPTY);
  const { run, isBusy, error } = useAction(createCredential);
  const set = (change: Partial<Form>) => setForm({ ...form, ...change });
  const isKey = form.kind === 'key';
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        event.stopPropagation();
        run(toInput(form), onCreated);
      }}
    >
      <Field label="Name" help="Such as ops key 2026." error={error?.fields?.name}>
        {(ids) => (
          <Input
            {...ids}
            required
            autoFocus
            value={form.name}
            onChange={(event) => set({ name: event.target.value })}
          />
        )}
      </Field>
      <Choices
        legend="Kind"
        name="kind"
        value={form.kind}
        choices={offersAgent ? [...KINDS, AGENT] : KINDS}
        onChange={(kind) => set({ kind, secret: '' })}
      />
      {form.kind === 'agent' && (
        <Field
          label="Public key"
          help="A line of a .pub file. Empty tries every key of the agent."
          error={error?.fields?.publicKey}
        >
          {(ids) => (
            <Textarea
              {...ids}
              isMono
              rows={3}
              value={form.secret}
              onChange={(event) => set({ secret: event.target.value })}
            />
          )}
        </Field>
      )}
      {isKey && (
        <>
          <Field
            label="Private key"
            help="OpenSSH or PEM, whole, with its first and last line."
            error={error?.fields?.privateKey}
          >
            {(ids) => (
              <Textarea
                {...ids}
                isMono
                required
                rows={6}
                autoComplete="off"
                value={form.secret}
                onChange={(event) => set({ secret: event.target.value })}
              />
            )}
          </Field>
          <SecretField
            label="Passphrase"
            help="Empty when the key has none."
            error={error?.fields?.passphrase}
            value={form.passphrase}
            onChange={(passphrase) => set({ passphrase })}
          />
        </>
      )}
      {form.kind === 'password' && (
        <SecretField
          label="Password"
          isRequired
          error={error?.fields?.password}
          value={form.secret}
          onChange={(secret) => set({ secret })}
        />
      )}
      <SecretField
        label="Password for sudo"
        help={
          form.kind === 'password'
            ? 'Empty when it is the same one.'
            : 'Empty when sudo asks for none, or the user is root.'
        }
        error={error?.fields?.sudoPassword}
        value={form.sudoPassword}
        onChange={(sudoPassword) => set({ sudoPassword })}
      />
      <ActionErrorPanel error={error} />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" look="primary" isBusy={isBusy}>
          Add the credential
        </Button>
      </div>
    </form>
  );
}

interface SecretFieldProps {
  readonly label: string;
  readonly help?: string;
  readonly error?: string | undefined;
  readonly isRequired?: boolean;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** A field whose text is hidden and that no password manager fills. */
function SecretField({ label, help, error, isRequired, value, onChange }: SecretFieldProps) {
  return (
    <Field label={label} help={help} error={error}>
      {(ids) => (
        <Input
          {...ids}
          type="password"
          required={isRequired}
          autoComplete="new-password"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
