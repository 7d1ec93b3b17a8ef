'use client';
import type { Virtualizer } from '@tanstack/react-virtual';
import { useEffect, useState } from 'react';
import type { UIEvent } from 'react';

interface Follow {
  readonly isFollowing: boolean;
  readonly follow: () => void;
  readonly onScroll: (event: UIEvent<HTMLElement>) => void;
}

/** So near to the end counts as being there, pixels. */
const NEAR_END_PX = 40;

/** Keeps the end of a list in view while it grows; stops when one scrolls up, goes on when one is back at the end. */
export function useFollow(
  rows: Virtualizer<HTMLDivElement, Element>,
  count: number,
  isFollowingAtFirst: boolean,
): Follow {
  const [isFollowing, setIsFollowing] = useState(isFollowingAtFirst);
  useEffect(() => {
    if (isFollowing && count > 0) rows.scrollToIndex(count - 1, { align: 'end' });
  }, [isFollowing, count, rows]);
  return {
    isFollowing,
    follow: () => setIsFollowing(true),
    onScroll: ({ currentTarget }) => {
      const below = currentTarget.scrollHeight - currentTarget.scrollTop - currentTarget.clientHeight;
      setIsFollowing(below < NEAR_END_PX);
    },
  };
}
