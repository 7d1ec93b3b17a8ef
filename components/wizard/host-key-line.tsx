'use client';
import { Button } from '@/components/ui/button';
import { CopyButton } from '@/components/ui/copy-button';
import { RelativeTime } from '@/components/ui/relative-time';
import { StateMark } from '@/components/ui/state-mark';
import type { HostKeyEntry, HostKeyState } from './host-key-state';

interface Props {
  /** What the key belongs to, `s1` or `bastion 192.0.2.1:22`; null where it stands beside it anyway. */
  readonly host: string | null;
  readonly state: HostKeyState;
  readonly onApprove: (fingerprint: string) => void;
  /** Absent where an approval is not taken back, such as in the wizard before there is a site. */
  readonly onRevoke?: (fingerprint: string) => void;
  readonly isBusy: boolean;
  /** Why the viewer may not approve; null when they may. */
  readonly refusal?: string | null;
}

/** The host key of one host on the way: what it offers, and the one decision a person takes about it. */
export function HostKeyLine({ host, ...props }: Props) {
  return (
    <div className="flex min-h-7 min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
      {host !== null && <span className="w-full font-mono wrap-anywhere sm:w-60">{host}</span>}
      <KeyState {...props} host={host} />
    </div>
  );
}

function KeyState({ host, state, onApprove, onRevoke, isBusy, refusal = null }: Props) {
  switch (state.kind) {
    case 'unread':
      return <StateMark shape="ring" ink="ink-soft" word="host key not read yet" />;
    case 'reading':
      return <StateMark shape="half-circle" ink="provisioning" turns word="reading the host key" />;
    case 'failed':
      return (
        <p className="min-w-0 text-down">
          <StateMark shape="square-bar" ink="down" word="no host key" className="mr-2" />
          {state.message} {state.nextAction}
        </p>
      );
    case 'changed':
      return <ChangedKey {...{ host, state, onApprove, isBusy, refusal }} />;
    case 'new':
      return (
        <div className="flex min-w-0 flex-wrap items-center gap-2">
          <StateMark shape="diamond" ink="degraded" word="not approved yet" />
          <Fingerprint {...state} />
          <Button
            isCompact
            look="primary"
            aria-label={host === null ? undefined : `Approve the key of ${host}`}
            isBusy={isBusy}
            reason={refusal}
            onClick={() => onApprove(state.fingerprint)}
          >
            Approve
          </Button>
        </div>
      );
    case 'approved':
      return (
        <div className="flex min-w-0 flex-wrap items-center gap-2">
          <StateMark shape="circle" ink="healthy" word="approved" />
          <Fingerprint {...state} />
          <span className="text-soft">
            by {state.by} <RelativeTime at={state.approvedAt} />
          </span>
          {onRevoke && (
            <Button
              isCompact
              look="quiet"
              aria-label={host === null ? undefined : `Revoke the key of ${host}`}
              reason={refusal}
              onClick={() => onRevoke(state.fingerprint)}
            >
              Revoke
            </Button>
          )}
        </div>
      );
  }
}

type ChangedProps = Required<Omit<Props, 'state' | 'onRevoke'>> & {
  readonly state: Extract<HostKeyState, { kind: 'changed' }>;
};

/** Another key than the approved one: both of them, since when, and the way on for a person who knows why. */
function ChangedKey({ host, state, onApprove, isBusy, refusal }: ChangedProps) {
  return (
    <div role="alert" className="flex min-w-0 flex-1 basis-full flex-col gap-2 border border-down p-3">
      <StateMark
        shape="square-bar"
        ink="down"
        word="host key changed: nothing runs on this host"
        className="whitespace-normal!"
      />
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] items-center gap-x-4 gap-y-1">
        <dt className="text-soft">offered now</dt>
        <dd>
          <Fingerprint {...state} />{' '}
          <span className="text-soft">
            first seen <RelativeTime at={state.seenAt} />
          </span>
        </dd>
        <dt className="text-soft">approved</dt>
        <dd>
          <Fingerprint {...state.was} />{' '}
          <span className="text-soft">
            by {state.was.by} <RelativeTime at={state.was.approvedAt} />
          </span>
        </dd>
      </dl>
      <p>
        The host was installed anew, or somebody stands between Siteplan and it. Find out which: compare with{' '}
        <code className="font-mono">ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub</code> on the host’s own
        console. Approving the new key revokes the old one.
      </p>
      <Button
        look="danger"
        className="self-start"
        aria-label={host === null ? undefined : `Approve the new key of ${host}`}
        isBusy={isBusy}
        reason={refusal}
        onClick={() => onApprove(state.fingerprint)}
      >
        Approve the new key
      </Button>
    </div>
  );
}

/** A fingerprint as ssh-keygen prints it, with a way to take it along. */
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
      <CopyButton isIcon text={fingerprint} label="Copy the fingerprint" />
    </span>
  );
}

/** What a key belongs to, in words. */
export function toHostWords(nodeName: string, { hop }: Pick<HostKeyEntry, 'hop'>): string {
  return hop === null ? nodeName : `bastion ${hop}`;
}
