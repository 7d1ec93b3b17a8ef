'use client';
import './globals.css';
import { Button } from '@/components/ui/button';
import { ErrorPanel } from '@/components/ui/panels';

interface Props {
  readonly error: Error & { digest?: string };
  readonly reset: () => void;
}

/** Shown when even the frame of the app could not be made. */
export default function GlobalError({ error, reset }: Props) {
  return (
    <html lang="en">
      <body className="p-8">
        <ErrorPanel
          title="Siteplan could not show this page."
          requestId={error.digest}
          action={<Button onClick={reset}>Try again</Button>}
        >
          The cause is in the log of the server under this number.
        </ErrorPanel>
      </body>
    </html>
  );
}
