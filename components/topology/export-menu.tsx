'use client';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { download } from '@/components/ui/download';
import { Menu, MenuItem, MenuText } from '@/components/ui/menu';
import { useAction } from '@/components/ui/use-action';

interface Props {
  readonly siteId: string;
  /** Why the viewer may not take the bundle; null when they may. */
  readonly bundleRefusal: string | null;
}

/** What leaves Siteplan to be used without it: the run-by-hand bundle and the Ansible inventory. */
export function ExportMenu({ siteId, bundleRefusal }: Props) {
  const { run, isBusy, error, clear } = useAction(download);
  const take = (what: 'bundle' | 'inventory') => run(`/api/v1/sites/${siteId}/${what}`);
  return (
    <>
      <Menu trigger={<Button isBusy={isBusy}>Export</Button>}>
        {bundleRefusal === null ? (
          <MenuItem onSelect={() => take('bundle')}>Run-by-hand bundle, from bare hosts (tar.gz)</MenuItem>
        ) : (
          <MenuText>No run-by-hand bundle. {bundleRefusal}</MenuText>
        )}
        <MenuItem onSelect={() => take('inventory')}>Ansible inventory (YAML)</MenuItem>
      </Menu>
      <Dialog isOpen={error !== null} onClose={clear} title="There is no file">
        <ActionErrorPanel error={error} />
      </Dialog>
    </>
  );
}
