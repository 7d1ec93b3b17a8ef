'use client';
import { useState } from 'react';
import type { ActionResult } from '@/lib/core/action-result';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { Field } from '@/components/ui/field';
import { Input } from '@/components/ui/input';
import { useAction } from '@/components/ui/use-action';

type Finish = (input: {
  token: string;
  email: string;
  name: string;
  password: string;
}) => Promise<ActionResult<{ next: string }>>;

interface Props {
  readonly token: string;
  /** Who was invited; null for the first administrator. */
  readonly invite: { readonly email: string; readonly name: string } | null;
  readonly finishSetup: Finish;
}

/** The first administrator, or an invited person, chooses a password. */
export function SetupForm({ token, invite, finishSetup }: Props) {
  const [name, setName] = useState(invite?.name ?? '');
  const [email, setEmail] = useState(invite?.email ?? '');
  const [password, setPassword] = useState('');
  const { run, isBusy, error } = useAction(finishSetup);
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        run({ token, email, name, password }, (value) => window.location.assign(value.next));
      }}
    >
      <h1>{invite ? 'Choose your password' : 'Create the first administrator'}</h1>
      <Field label="Name" error={error?.fields?.name}>
        {(ids) => (
          <Input
            {...ids}
            required
            autoFocus
            autoComplete="name"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <Field label="E-mail" error={error?.fields?.email}>
        {(ids) => (
          <Input
            {...ids}
            type="email"
            required
            readOnly={invite !== null}
            autoComplete="username"
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
        )}
      </Field>
      <Field label="Password" help="At least 12 characters." error={error?.fields?.password}>
        {(ids) => (
          <Input
            {...ids}
            type="password"
            required
            minLength={12}
            autoComplete="new-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        )}
      </Field>
      <ActionErrorPanel error={error} />
      <Button type="submit" look="primary" isBusy={isBusy}>
        {invite ? 'Set the password' : 'Create the administrator'}
      </Button>
    </form>
  );
}
