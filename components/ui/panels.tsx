import type { ReactNode } from 'react';
import { cx } from './cx';

/** What this is, why there is nothing, and the one button that starts it; on squared paper. */
export function EmptyState({
  title,
  children,
  action,
}: {
  readonly title: string;
  readonly children: ReactNode;
  readonly action?: ReactNode;
}) {
  return (
    <div className="squared flex min-h-72 flex-1 flex-col items-center justify-center gap-3 border border-grid p-8 text-center">
      <div className="max-w-160 border border-line bg-paper p-6">
        <h2 className="mb-1">{title}</h2>
        <div className="text-soft">{children}</div>
        {action && <div className="mt-4">{action}</div>}
      </div>
    </div>
  );
}

/** What happened, to what, why as far as known, and what to do. */
export function ErrorPanel({
  title,
  children,
  action,
  requestId,
}: {
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
  readonly requestId?: string | undefined;
}) {
  return (
    <div role="alert" className="border border-down bg-raised p-4">
      <p className="font-medium text-down">{title}</p>
      {children && <div className="mt-1">{children}</div>}
      {requestId && <p className="drawn-label mt-2">request {requestId}</p>}
      {action && <div className="mt-3 flex gap-2">{action}</div>}
    </div>
  );
}

/** A sheet of the page with a label on its line, like a room on a plan. */
export function Panel({
  label,
  aside,
  children,
  className,
}: {
  readonly label: string;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
  readonly className?: string;
}) {
  return (
    <section aria-label={label} className={cx('border border-line bg-raised', className)}>
      <div className="flex min-h-8 flex-wrap items-center justify-between gap-x-2 border-b border-grid px-3">
        <h2 className="drawn-label py-1">{label}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** Lines of a table that is on its way. */
export function Skeleton({ rows = 6, className }: { readonly rows?: number; readonly className?: string }) {
  return (
    <div aria-busy="true" aria-label="Loading" role="status" className={cx('flex flex-col gap-2', className)}>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="h-8 animate-skeleton rounded-2 bg-grid" />
      ))}
    </div>
  );
}

/** Pairs of a name and a value, in two columns. */
export function Facts({ entries }: { readonly entries: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1">
      {entries.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-soft">{name}</dt>
          <dd className="min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
