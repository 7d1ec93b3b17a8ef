'use client';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { download } from '@/components/ui/download';
import { useAction } from '@/components/ui/use-action';

interface Props {
  readonly planId: string;
  /** Why this plan may not be run any more, which goes for its bundle too; null while it may. */
  readonly stale: string | null;
}

/** Takes the steps of a plan along as a bundle, to be run by hand. */
export function PlanBundleButton({ planId, stale }: Props) {
  const { run, isBusy, error, clear } = useAction(download);
  return (
    <>
      <Button isBusy={isBusy} reason={stale} onClick={() => run(`/api/v1/plans/${planId}/bundle`)}>
        Take the bundle
      </Button>
      <Dialog isOpen={error !== null} onClose={clear} title="There is no bundle">
        <ActionErrorPanel error={error} />
      </Dialog>
    </>
  );
}
