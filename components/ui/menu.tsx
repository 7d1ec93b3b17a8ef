'use client';
import * as Radix from 'radix-ui/dropdown-menu';
import type { ReactNode } from 'react';

interface MenuProps {
  readonly trigger: ReactNode;
  readonly children: ReactNode;
}

/** A menu under a button. Not modal, so that the page behind it stays scrollable and needs no injected style. */
export function Menu({ trigger, children }: MenuProps) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align="end"
          sideOffset={6}
          collisionPadding={8}
          className="floating z-40 min-w-48 rounded-2 border border-line bg-raised py-1 text-ink"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface MenuItemProps {
  readonly onSelect: () => void;
  readonly children: ReactNode;
}

const ITEM = 'flex h-8 cursor-pointer items-center gap-2 px-3 outline-none data-highlighted:bg-grid';

export function MenuItem({ onSelect, children }: MenuItemProps) {
  return (
    <Radix.Item className={ITEM} onSelect={onSelect}>
      {children}
    </Radix.Item>
  );
}

interface MenuChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly choices: readonly { readonly value: string; readonly label: string }[];
  readonly onChange: (value: string) => void;
}

/** One of a few, in a menu: the theme, the clock. */
export function MenuChoice({ label, value, choices, onChange }: MenuChoiceProps) {
  return (
    <>
      <Radix.Label className="drawn-label px-3 pt-2 pb-1">{label}</Radix.Label>
      <Radix.RadioGroup value={value} onValueChange={onChange}>
        {choices.map((choice) => (
          <Radix.RadioItem
            key={choice.value}
            value={choice.value}
            className={ITEM}
            onSelect={(event) => event.preventDefault()}
          >
            <span className="w-4">
              <Radix.ItemIndicator>✓</Radix.ItemIndicator>
            </span>
            {choice.label}
          </Radix.RadioItem>
        ))}
      </Radix.RadioGroup>
    </>
  );
}

export function MenuSeparator() {
  return <Radix.Separator className="my-1 border-t border-grid" />;
}

export function MenuText({ children }: { readonly children: ReactNode }) {
  return <div className="px-3 py-1 text-soft">{children}</div>;
}
