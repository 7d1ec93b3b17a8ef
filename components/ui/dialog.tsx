'use client';
import { useId } from 'react';
import type { ReactNode } from 'react';
import { cx } from './cx';
import { useModal } from './use-modal';

interface Props {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly children: ReactNode;
  readonly className?: string;
}

/** A dialog over the page; Escape and the × close it. Its content exists only while it is open. */
export function Dialog({ isOpen, onClose, title, children, className }: Props) {
  const ref = useModal(isOpen);
  const titleId = useId();
  return (
    <dialog
      ref={ref}
      aria-labelledby={titleId}
      onClose={onClose}
      className={cx(
        'floating w-120 max-w-[94vw] rounded-2 border border-ink bg-raised p-0 text-ink',
        className,
      )}
    >
      {isOpen && (
        <>
          <div className="flex items-center justify-between border-b border-grid px-4 py-2">
            <h2 id={titleId}>{title}</h2>
            <button
              type="button"
              aria-label="Close"
              className="px-2 text-15 text-soft hover:text-ink"
              onClick={onClose}
            >
              ×
            </button>
          </div>
          <div className="p-4">{children}</div>
        </>
      )}
    </dialog>
  );
}
