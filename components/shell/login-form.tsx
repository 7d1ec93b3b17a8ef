'use client';
import { useState } from 'react';
import type { ActionResult } from '@/lib/core/action-result';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { Field } from '@/components/ui/field';
import { Input } from '@/components/ui/input';
import { useAction } from '@/components/ui/use-action';

type SignIn = (input: {
  email: string;
  password: string;
  next?: string;
}) => Promise<ActionResult<{ next: string } | { twoFactor: true }>>;
type Verify = (input: { code: string; next?: string }) => Promise<ActionResult<{ next: string }>>;

interface Props {
  /** Where to go afterwards. */
  readonly next: string;
  readonly signIn: SignIn;
  readonly verifyTwoFactor: Verify;
}

/** Loads the next page afresh, so that nothing made before the sign-in stays. */
function leaveTo(next: string): void {
  window.location.assign(next);
}

export function LoginForm({ next, signIn, verifyTwoFactor }: Props) {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [wantsCode, setWantsCode] = useState(false);
  const { run, isBusy, error } = useAction(signIn);
  if (wantsCode) return <CodeForm next={next} verify={verifyTwoFactor} />;
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        run({ email, password, next }, (value) =>
          'next' in value ? leaveTo(value.next) : setWantsCode(true),
        );
      }}
    >
      <h1>Sign in</h1>
      <Field label="E-mail" error={error?.fields?.email}>
        {(ids) => (
          <Input
            {...ids}
            type="email"
            autoComplete="username"
            required
            autoFocus
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
        )}
      </Field>
      <Field label="Password" error={error?.fields?.password}>
        {(ids) => (
          <Input
            {...ids}
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        )}
      </Field>
      <ActionErrorPanel error={error} />
      <Button type="submit" look="primary" isBusy={isBusy}>
        Sign in
      </Button>
    </form>
  );
}

function CodeForm({ next, verify }: { readonly next: string; readonly verify: Verify }) {
  const [code, setCode] = useState('');
  const { run, isBusy, error } = useAction(verify);
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        run({ code, next }, (value) => leaveTo(value.next));
      }}
    >
      <h1>Second step</h1>
      <Field label="Code" help="From your authenticator app, or a backup code.">
        {(ids) => (
          <Input
            {...ids}
            isMono
            autoFocus
            required
            autoComplete="one-time-code"
            value={code}
            onChange={(event) => setCode(event.target.value)}
          />
        )}
      </Field>
      <ActionErrorPanel error={error} />
      <Button type="submit" look="primary" isBusy={isBusy}>
        Check the code
      </Button>
    </form>
  );
}
