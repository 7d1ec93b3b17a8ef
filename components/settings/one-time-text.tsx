'use client';
import { CodeView } from '@/components/ui/code-view';
import { CopyButton } from '@/components/ui/copy-button';
import { Dialog } from '@/components/ui/dialog';

interface Props {
  readonly title: string;
  /** Null closes the dialog. */
  readonly text: string | null;
  readonly children: React.ReactNode;
  readonly onClose: () => void;
}

/** A secret that is shown this once: a token, a link to hand over. */
export function OneTimeText({ title, text, children, onClose }: Props) {
  return (
    <Dialog isOpen={text !== null} onClose={onClose} title={title}>
      <p className="mb-2">{children}</p>
      <CodeView text={text ?? ''} className="break-all whitespace-pre-wrap" />
      <div className="mt-2 flex justify-end">
        <CopyButton text={text ?? ''} />
      </div>
    </Dialog>
  );
}
