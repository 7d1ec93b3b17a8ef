'use client';
import * as Radix from 'radix-ui/tooltip';
import type { ReactNode } from 'react';

/** Words on hover and on focus. The child must take a ref and be focusable; nothing may stand only here. */
export function Tooltip({ text, children }: { readonly text: ReactNode; readonly children: ReactNode }) {
  return (
    <Radix.Provider delayDuration={200}>
      <Radix.Root>
        <Radix.Trigger asChild>{children}</Radix.Trigger>
        <Radix.Portal>
          <Radix.Content
            sideOffset={6}
            collisionPadding={8}
            className="floating z-50 max-w-80 rounded-2 border border-line bg-raised px-2 py-1 text-ink"
          >
            {text}
          </Radix.Content>
        </Radix.Portal>
      </Radix.Root>
    </Radix.Provider>
  );
}
