'use client';
import { lazy, Suspense } from 'react';
import type { ComponentProps, ReactNode } from 'react';
import { buttonClass } from './button-class';
import type { ButtonLook } from './button-class';

/** Most buttons never have a reason, so the first load goes without the tooltip's code. */
const Tooltip = lazy(() => import('./tooltip').then((module) => ({ default: module.Tooltip })));

interface Props extends Omit<ComponentProps<'button'>, 'disabled'> {
  readonly look?: ButtonLook;
  readonly isCompact?: boolean;
  /** Work is under way: the button stays, says so and takes no second press. */
  readonly isBusy?: boolean;
  /** Why the button cannot be used now; it stays focusable so that the reason can be read. */
  readonly reason?: string | null | undefined;
  readonly children: ReactNode;
}

/** A button is a verb. Without permission or in the wrong state it stays where it is and says why. */
export function Button({
  look,
  isCompact,
  isBusy,
  reason,
  className,
  onClick,
  type,
  children,
  ...rest
}: Props) {
  const isOff = isBusy === true || Boolean(reason);
  const button = (
    <button
      {...rest}
      type={type ?? 'button'}
      aria-disabled={isOff || undefined}
      aria-busy={isBusy || undefined}
      className={buttonClass({ look, isCompact, className })}
      onClick={(event) => {
        if (!isOff) return onClick?.(event);
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      {isBusy && <span aria-hidden className="size-2 animate-skeleton bg-current" />}
      {children}
    </button>
  );
  if (!reason) return button;
  return (
    <Suspense fallback={button}>
      <Tooltip text={reason}>{button}</Tooltip>
    </Suspense>
  );
}
