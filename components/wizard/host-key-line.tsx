'use client';
import { Button } from '@/components/ui/button';
import { CopyButton } from '@/components/ui/copy-button';
import { StateMark } from '@/components/ui/state-mark';
import type { HostKeyState } from './host-key-state';

interface Props {
  readonly state: HostKeyState;
  readonly onApprove: (fingerprint: string) => void;
  readonly isBusy: boolean;
}

/** The host key of one row: what it offers, and the one decision a person takes about it. */
export function HostKeyLine({ state, onApprove, isBusy }: Props) {
  switch (state.kind) {
    case 'unread':
      return <StateMark shape="ring" ink="ink-soft" word="host key not read yet" />;
    case 'reading':
      return <StateMark shape="half-circle" ink="provisioning" turns word="reading the host key" />;
    case 'failed':
      return (
        <p className="text-down">
          <StateMark shape="square-bar" ink="down" word="no host key" className="mr-2" />
          {state.message} {state.nextAction}
        </p>
      );
    case 'new':
    case 'changed':
      return (
        <div className="flex flex-wrap items-center gap-2">
          {state.kind === 'changed' ? (
            <StateMark shape="square-bar" ink="down" word="host key changed, nothing runs on this host" />
          ) : (
            <StateMark shape="diamond" ink="degraded" word="not approved yet" />
          )}
          <Fingerprint algorithm={state.algorithm} fingerprint={state.fingerprint} />
          <Button isCompact look="primary" isBusy={isBusy} onClick={() => onApprove(state.fingerprint)}>
            Approve
          </Button>
        </div>
      );
    case 'approved':
      return (
        <div className="flex flex-wrap items-center gap-2">
          <StateMark shape="circle" ink="healthy" word="approved" />
          <Fingerprint algorithm={state.algorithm} fingerprint={state.fingerprint} />
        </div>
      );
  }
}

function Fingerprint({
  algorithm,
  fingerprint,
}: {
  readonly algorithm: string;
  readonly fingerprint: string;
}) {
  return (
    <span className="inline-flex min-w-0 items-center gap-1 font-mono text-11">
      <span className="text-soft">{algorithm}</span>
      <span className="break-all">{fingerprint}</span>
      <CopyButton isIcon text={fingerprint} />
    </span>
  );
}
