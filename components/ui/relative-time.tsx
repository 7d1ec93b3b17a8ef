'use client';
import { cx } from './cx';
import { useIsUtc, useNow } from './clock';
import { toAgoText, toExactText } from './time-text';
import { Tooltip } from './tooltip';

/** A time relative to now; the exact one, in the viewer's zone or UTC, on hover and focus. `at` is ISO 8601. */
export function RelativeTime({ at, className }: { readonly at: string; readonly className?: string }) {
  const nowMs = useNow();
  const isUtc = useIsUtc();
  const atMs = Date.parse(at);
  return (
    <Tooltip text={toExactText(atMs, isUtc)}>
      <time dateTime={at} tabIndex={0} className={cx('whitespace-nowrap', className)}>
        {toAgoText(atMs, nowMs)}
      </time>
    </Tooltip>
  );
}
