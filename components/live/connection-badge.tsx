'use client';
import { toDurationText } from '@/lib/core/duration';
import type { StateShape } from '@/lib/core/state-shape';
import { useNow } from '@/components/ui/clock';
import { cx } from '@/components/ui/cx';
import { StateGlyph, toneClass } from '@/components/ui/state-mark';
import type { StateInk } from '@/lib/core/state-mark';
import { useConnection } from './use-event-stream';
import type { ConnectionState } from './event-stream';

const LOOKS: Readonly<Record<ConnectionState, { shape: StateShape; ink: StateInk; word: string }>> = {
  connecting: { shape: 'ring', ink: 'ink-soft', word: 'connecting' },
  live: { shape: 'circle', ink: 'ink-soft', word: 'live' },
  reconnecting: { shape: 'dashed-ring', ink: 'stale', word: 'reconnecting' },
  lost: { shape: 'square-bar', ink: 'down', word: 'connection lost' },
};

/** Whether this page is live, and since when not. */
export function ConnectionBadge() {
  const connection = useConnection();
  const nowMs = useNow();
  const { shape, ink, word } = LOOKS[connection.state];
  const isOld =
    connection.heardAtMs !== null && (connection.state === 'reconnecting' || connection.state === 'lost');
  const age = isOld ? `, last heard ${toDurationText(nowMs - (connection.heardAtMs ?? nowMs))} ago` : '';
  return (
    <span role="status" className="drawn-label flex min-w-0 items-center gap-1.5">
      <StateGlyph shape={shape} ink={ink} />
      <span className={cx('truncate', toneClass(ink))}>
        {word}
        <span className="max-sm:sr-only">{age}</span>
      </span>
    </span>
  );
}
