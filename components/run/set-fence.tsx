'use client';
import { useCallback, useState } from 'react';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { notify } from '@/components/ui/announcer';
import { Button } from '@/components/ui/button';
import { TypedConfirm } from '@/components/ui/typed-confirm';
import { useAction } from '@/components/ui/use-action';
import type { RunActions } from './run-actions';

interface Props {
  readonly siteId: string;
  readonly nodeId: string;
  readonly nodeName: string;
  /** What the host's fence says, decimal. */
  readonly epoch: string;
  readonly refusal: string | null;
  readonly setFence: RunActions['setFence'];
}

/** After the database was restored from a backup: an administrator lets it go on where the host already is. */
export function SetFence({ siteId, nodeId, nodeName, epoch, refusal, setFence }: Props) {
  const [isOpen, setIsOpen] = useState(false);
  const set = useCallback((at: string) => setFence(siteId, nodeId, at), [setFence, siteId, nodeId]);
  const { run, isBusy, error } = useAction(set);
  return (
    <>
      <Button reason={refusal} onClick={() => setIsOpen(true)}>
        The database was restored…
      </Button>
      <TypedConfirm
        isOpen={isOpen}
        onClose={() => setIsOpen(false)}
        title="Go on after a restore"
        word={nodeName}
        action="Raise the epoch"
        isBusy={isBusy}
        onConfirm={() =>
          run(epoch, () => {
            setIsOpen(false);
            notify('The epoch is raised. Retry the run now.');
          })
        }
      >
        <p>
          {nodeName} has worked for epoch {epoch}, which this database does not know. That is so after a
          restore from a backup. If it is, Siteplan goes on above that epoch; nothing is changed on the host.
          If the database was not restored, another Siteplan works on this host: find it first.
        </p>
        <ActionErrorPanel error={error} />
      </TypedConfirm>
    </>
  );
}
