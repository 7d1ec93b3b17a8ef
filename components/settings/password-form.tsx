'use client';
import { useState } from 'react';
import type { ActionResult } from '@/lib/core/action-result';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { notify } from '@/components/ui/announcer';
import { Button } from '@/components/ui/button';
import { Field } from '@/components/ui/field';
import { Input } from '@/components/ui/input';
import { useAction } from '@/components/ui/use-action';

interface Props {
  readonly email: string;
  readonly changePassword: (input: {
    currentPassword: string;
    newPassword: string;
  }) => Promise<ActionResult<null>>;
}

/** Another password; all other sessions of the person end with it. */
export function PasswordForm({ email, changePassword }: Props) {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const { run, isBusy, error } = useAction(changePassword);
  return (
    <form
      className="flex max-w-96 flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        run({ currentPassword: current, newPassword: next }, () => {
          setCurrent('');
          setNext('');
          notify('The password is changed. All other sessions have ended.');
        });
      }}
    >
      <input type="email" autoComplete="username" value={email} readOnly hidden />
      <Field label="Current password" error={error?.fields?.currentPassword}>
        {(ids) => (
          <Input
            {...ids}
            type="password"
            required
            autoComplete="current-password"
            value={current}
            onChange={(event) => setCurrent(event.target.value)}
          />
        )}
      </Field>
      <Field label="New password" help="At least 12 characters." error={error?.fields?.newPassword}>
        {(ids) => (
          <Input
            {...ids}
            type="password"
            required
            minLength={12}
            autoComplete="new-password"
            value={next}
            onChange={(event) => setNext(event.target.value)}
          />
        )}
      </Field>
      <ActionErrorPanel error={error} />
      <Button type="submit" look="primary" isBusy={isBusy} className="self-start">
        Change the password
      </Button>
    </form>
  );
}
