'use client';
import { useId } from 'react';
import type { ReactNode } from 'react';
import { cx } from './cx';

export interface FieldIds {
  readonly id: string;
  readonly 'aria-describedby'?: string;
  readonly 'aria-invalid'?: true;
}

interface Props {
  readonly label: ReactNode;
  readonly help?: ReactNode;
  /** What is wrong, in words; stands in place of nothing, so that the form does not jump for one line. */
  readonly error?: string | null | undefined;
  readonly className?: string;
  /** Things beside the message: buttons that fix it. */
  readonly aside?: ReactNode;
  readonly children: (ids: FieldIds) => ReactNode;
}

/** Label above, control, then the error or the help below. */
export function Field({ label, help, error, className, aside, children }: Props) {
  const id = useId();
  const described = error || help ? `${id}-text` : undefined;
  return (
    <div className={cx('flex min-w-0 flex-col gap-1', className)}>
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      {children({
        id,
        ...(described && { 'aria-describedby': described }),
        ...(error && { 'aria-invalid': true as const }),
      })}
      {(error || help) && (
        <p id={described} className={error ? 'text-down' : 'text-soft'}>
          {error || help}
        </p>
      )}
      {aside}
    </div>
  );
}
