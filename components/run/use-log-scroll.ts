'use client';
import type { Virtualizer } from '@tanstack/react-virtual';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { UIEvent } from 'react';
import { findLine } from './log-lines';
import type { LogStore, LogSnapshot } from './log-store';

interface Options {
  readonly rows: Virtualizer<HTMLDivElement, Element>;
  readonly store: LogStore;
  readonly snapshot: LogSnapshot;
  /** Id of the line that the URL names. */
  readonly markedId: string | null;
  readonly isFollowingAtFirst: boolean;
}

interface LogScroll {
  readonly isFollowing: boolean;
  /** To the end of the log, and on with it. */
  readonly follow: () => void;
  /** Brings a line into view, reading it from the server where it is not here. */
  readonly show: (lineId: string) => Promise<void>;
  readonly onScroll: (event: UIEvent<HTMLElement>) => void;
}

/** So near to the end counts as being there, pixels. */
const NEAR_END_PX = 40;
/** So near to an edge of what is here, more is read, pixels. */
const NEAR_EDGE_PX = 300;

/**
 * Where one is in a log: keeps the end in view while it grows, stops when one scrolls up and goes on when one is back at
 * the end, reads more at the edges, and keeps the lines in view where they are when others come or go before them.
 */
export function useLogScroll({ rows, store, snapshot, markedId, isFollowingAtFirst }: Options): LogScroll {
  const { lines, isStart, isEnd } = snapshot;
  const [isFollowing, setIsFollowing] = useState(isFollowingAtFirst);
  const [target, setTarget] = useState<{ readonly id: string } | null>(null);
  const topId = useRef<string | null>(null);
  const firstId = useRef<string | null>(null);
  const lastTop = useRef(0);
  const heightPx = rows.getTotalSize();
  const show = async (lineId: string) => {
    setIsFollowing(false);
    await store.open(lineId);
    topId.current = null;
    setTarget({ id: lineId });
  };
  useLayoutEffect(() => {
    const isMoved = firstId.current !== (lines[0]?.id ?? null);
    firstId.current = lines[0]?.id ?? null;
    if (isFollowing) {
      // Again when rows turn out higher than they were taken for: a line that is wrapped.
      if (lines.length > 0) rows.scrollToIndex(lines.length - 1, { align: 'end' });
    } else if (isMoved && topId.current !== null) {
      rows.scrollToIndex(findLine(lines, topId.current), { align: 'start' });
    }
  }, [isFollowing, lines, rows, heightPx]);
  useEffect(() => {
    if (target) rows.scrollToIndex(findLine(store.snapshot().lines, target.id), { align: 'center' });
  }, [target, rows, store]);
  useEffect(() => {
    if (markedId !== null) void store.open(markedId).then(() => setTarget({ id: markedId }));
  }, [markedId, store]);
  return {
    isFollowing,
    follow: () => {
      setIsFollowing(true);
      void store.end();
    },
    show,
    onScroll: ({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
      const below = scrollHeight - scrollTop - clientHeight;
      const top = rows.getVirtualItems().find((item) => item.end > scrollTop);
      topId.current = (top && lines[top.index]?.id) ?? null;
      // Only a person scrolls up; what pushes the end away is a log that grows.
      const isPushed = isFollowing && scrollTop >= lastTop.current;
      lastTop.current = scrollTop;
      setIsFollowing(isEnd && (below < NEAR_END_PX || isPushed));
      if (scrollTop < NEAR_EDGE_PX && !isStart) void store.older();
      else if (below < NEAR_EDGE_PX && !isEnd) void store.newer();
    },
  };
}
