'use client';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import type { ActionResult } from '@/lib/core/action-result';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { notify } from '@/components/ui/announcer';
import { Button } from '@/components/ui/button';
import { CopyButton } from '@/components/ui/copy-button';
import { Field } from '@/components/ui/field';
import { Input } from '@/components/ui/input';
import { StateMark } from '@/components/ui/state-mark';
import { useAction } from '@/components/ui/use-action';

interface Begun {
  /** `otpauth://` URI with the secret. */
  readonly uri: string;
  readonly backupCodes: readonly string[];
}

interface Props {
  readonly isOn: boolean;
  readonly startTwoFactor: (input: { password: string }) => Promise<ActionResult<Begun>>;
  readonly confirmTwoFactor: (input: { code: string }) => Promise<ActionResult<null>>;
  readonly stopTwoFactor: (input: { password: string }) => Promise<ActionResult<null>>;
}

/** A second step at sign-in: a code from an authenticator. Set up in three moves, taken away with the password. */
export function SecondFactor({ isOn, startTwoFactor, confirmTwoFactor, stopTwoFactor }: Props) {
  const router = useRouter();
  const [begun, setBegun] = useState<Begun | null>(null);
  const [password, setPassword] = useState('');
  const start = useAction(startTwoFactor);
  const stop = useAction(stopTwoFactor);
  const finish = (words: string) => {
    setBegun(null);
    setPassword('');
    notify(words);
    router.refresh();
  };
  if (begun) {
    return (
      <Confirm
        begun={begun}
        confirmTwoFactor={confirmTwoFactor}
        onCancel={() => setBegun(null)}
        onDone={() => finish('The second step is on. All other sessions have ended.')}
      />
    );
  }
  return (
    <form
      className="flex max-w-96 flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (isOn) stop.run({ password }, () => finish('The second step is off.'));
        else start.run({ password }, setBegun);
      }}
    >
      {isOn ? (
        <StateMark shape="circle" ink="healthy" word="on: sign-in asks for a code" />
      ) : (
        <StateMark shape="ring" ink="ink-soft" word="off: the password is enough to sign in" />
      )}
      <Field label="Your password">
        {(ids) => (
          <Input
            {...ids}
            type="password"
            required
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        )}
      </Field>
      <ActionErrorPanel error={start.error ?? stop.error} />
      <Button
        type="submit"
        look={isOn ? 'danger' : 'primary'}
        className="self-start"
        isBusy={start.isBusy || stop.isBusy}
      >
        {isOn ? 'Turn the second step off' : 'Set up a second step'}
      </Button>
    </form>
  );
}

interface ConfirmProps extends Pick<Props, 'confirmTwoFactor'> {
  readonly begun: Begun;
  readonly onCancel: () => void;
  readonly onDone: () => void;
}

function Confirm({ begun, confirmTwoFactor, onCancel, onDone }: ConfirmProps) {
  const [code, setCode] = useState('');
  const { run, isBusy, error } = useAction(confirmTwoFactor);
  const secret = new URL(begun.uri).searchParams.get('secret') ?? '';
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        run({ code }, onDone);
      }}
    >
      <OneTime
        label="1. Type this secret into your authenticator, or open the link on the device that has it"
        copy={secret}
      >
        <span className="font-mono text-15 break-all">{secret.match(/.{1,4}/g)?.join(' ')}</span>
        <a href={begun.uri} className="text-accent hover:underline">
          Open in an authenticator
        </a>
      </OneTime>
      <OneTime
        label="2. Keep these codes where you find them without the device; each works once"
        copy={begun.backupCodes.join('\n')}
      >
        <ul className="grid grid-cols-2 gap-x-6 font-mono">
          {begun.backupCodes.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      </OneTime>
      <Field label="3. The code that the authenticator shows now" error={error?.fields?.code}>
        {(ids) => (
          <Input
            {...ids}
            isMono
            required
            inputMode="numeric"
            className="max-w-64"
            autoComplete="one-time-code"
            value={code}
            onChange={(event) => setCode(event.target.value)}
          />
        )}
      </Field>
      <ActionErrorPanel error={error} />
      <div className="flex gap-2">
        <Button type="submit" look="primary" isBusy={isBusy}>
          Turn the second step on
        </Button>
        <Button onClick={onCancel}>Not now</Button>
      </div>
    </form>
  );
}

interface OneTimeProps {
  readonly label: string;
  readonly copy: string;
  readonly children: React.ReactNode;
}

/** Something that is shown this once. */
function OneTime({ label, copy, children }: OneTimeProps) {
  return (
    <section aria-label={label} className="flex flex-col gap-2">
      <p className="font-medium">{label}</p>
      <div className="flex items-start justify-between gap-3 border border-grid p-3">
        <div className="flex min-w-0 flex-col gap-2">{children}</div>
        <CopyButton text={copy} />
      </div>
    </section>
  );
}
