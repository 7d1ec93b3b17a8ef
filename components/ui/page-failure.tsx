'use client';
import { Button } from './button';
import { ErrorPanel } from './panels';
import { useReadiness } from './use-readiness';

interface Props {
  readonly title: string;
  /** Number of the error in the server's log. */
  readonly digest: string | undefined;
  /** Shows the page once more. */
  readonly onRetry: () => void;
}

/** A page that could not be made: says whether server and database are there, and comes back by itself with them. */
export function PageFailure({ title, digest, onRetry }: Props) {
  const readiness = useReadiness(onRetry);
  const isAway = readiness === 'not-ready' || readiness === 'no-answer';
  return (
    <ErrorPanel
      title={isAway ? AWAY_TITLES[readiness] : title}
      requestId={isAway ? undefined : digest}
      action={<Button onClick={onRetry}>Try again</Button>}
    >
      {isAway
        ? 'Runs go on, and what is on the hosts is not affected. This page comes back by itself.'
        : 'What is on the hosts is not affected. The cause is in the log of the server under this number.'}
    </ErrorPanel>
  );
}

const AWAY_TITLES = {
  'not-ready': 'The database does not answer.',
  'no-answer': 'The server does not answer.',
} as const;
