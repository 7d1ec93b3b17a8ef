'use client';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { TypedConfirm } from '@/components/ui/typed-confirm';
import { useAction } from '@/components/ui/use-action';
import type { HostKeyChoice, RevokeHostKey } from './actions';

interface Props {
  /** The key whose approval is to be taken back; null shows nothing. */
  readonly choice: HostKeyChoice | null;
  /** What the key belongs to: a node's name, or `address:port` of a bastion. */
  readonly host: string;
  readonly onClose: () => void;
  readonly revokeHostKey: RevokeHostKey;
}

/** Takes the approval of a host key back, once a person has read what that ends. */
export function RevokeKey({ choice, host, onClose, revokeHostKey }: Props) {
  const { run, isBusy, error } = useAction(revokeHostKey);
  return (
    <TypedConfirm
      isOpen={choice !== null}
      onClose={onClose}
      title={`Revoke the key of ${host}`}
      word={host}
      action="Revoke the key"
      isBusy={isBusy}
      onConfirm={() => choice && run(choice, onClose)}
    >
      <p>
        Connections that were made with it end at once, a run on this host stops and needs attention, and
        nothing connects to it until a person approves a key again.
      </p>
      <ActionErrorPanel error={error} />
    </TypedConfirm>
  );
}
