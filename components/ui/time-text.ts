import { toDurationText } from '@/lib/core/duration';

/** `3 m 20 s ago`, `in 4 d 2 h`, `now` within two seconds. */
export function toAgoText(atMs: number, nowMs: number): string {
  const distance = nowMs - atMs;
  if (Math.abs(distance) < 2000) return 'now';
  return distance > 0 ? `${toDurationText(distance)} ago` : `in ${toDurationText(-distance)}`;
}

/** `2026-11-22 19:07:03 UTC`, or the same in the viewer's zone with its short name. */
export function toExactText(atMs: number, isUtc: boolean): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
    ...(isUtc && { timeZone: 'UTC' }),
  }).formatToParts(atMs);
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((each) => each.type === type)?.value ?? '';
  const date = `${part('year')}-${part('month')}-${part('day')}`;
  return `${date} ${part('hour')}:${part('minute')}:${part('second')} ${part('timeZoneName')}`;
}

/** `19:07:03`, for lines of a log. */
export function toClockText(atMs: number, isUtc: boolean): string {
  return toExactText(atMs, isUtc).slice(11, 19);
}
