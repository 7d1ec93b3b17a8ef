'use client';
import { Button } from '@/components/ui/button';
import { ErrorPanel } from '@/components/ui/panels';

interface Props {
  readonly error: Error & { digest?: string };
  readonly reset: () => void;
}

export default function PageError({ error, reset }: Props) {
  return (
    <ErrorPanel
      title="This page could not be shown."
      requestId={error.digest}
      action={<Button onClick={reset}>Try again</Button>}
    >
      What is on the hosts is not affected. The cause is in the log of the server under this number.
    </ErrorPanel>
  );
}
