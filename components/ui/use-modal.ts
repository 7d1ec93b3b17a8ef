'use client';
import { useEffect, useRef } from 'react';
import type { RefObject } from 'react';

/**
 * Opens a native dialog as a modal while `isOpen`: the browser keeps the focus inside, makes the page behind it inert
 * and gives the focus back at the end.
 */
export function useModal(isOpen: boolean): RefObject<HTMLDialogElement | null> {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (!dialog) return;
    if (isOpen && !dialog.open) dialog.showModal();
    if (!isOpen && dialog.open) dialog.close();
  }, [isOpen]);
  return ref;
}
