'use client';
import * as Radix from 'radix-ui/popover';
import { useMemo, useRef } from 'react';
import type { ReactNode } from 'react';

interface Props {
  /** What it belongs to; null while it is closed. The focus goes back there. */
  readonly anchor: HTMLElement | null;
  readonly label: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A sheet beside what was pressed, for more than a tooltip's words. Escape and a press elsewhere close it. */
export function Popover({ anchor, label, onClose, children }: Props) {
  // By the time it closes, the anchor is gone from the props already.
  const opener = useRef<HTMLElement | null>(null);
  const virtualRef = useMemo(
    () => ({ current: anchor ?? { getBoundingClientRect: () => new DOMRect() } }),
    [anchor],
  );
  return (
    <Radix.Root open={anchor !== null} onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Radix.Anchor virtualRef={virtualRef} />
      <Radix.Portal>
        <Radix.Content
          aria-label={label}
          align="start"
          sideOffset={4}
          collisionPadding={8}
          className="floating z-40 max-h-(--radix-popover-content-available-height) w-112 max-w-[94vw] overflow-auto rounded-2 border border-ink bg-raised p-3 text-ink"
          onOpenAutoFocus={(event) => {
            opener.current = anchor;
            // The sheet itself, not the first thing in it: that may open a tooltip, which would take the first Escape.
            event.preventDefault();
            if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus();
          }}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            opener.current?.focus();
          }}
          onInteractOutside={(event) => {
            // A press on what it belongs to closes it by that button's own click.
            if (event.target instanceof Node && anchor?.contains(event.target)) event.preventDefault();
          }}
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
