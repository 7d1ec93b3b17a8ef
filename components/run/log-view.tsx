'use client';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useDeferredValue, useMemo, useRef, useState } from 'react';
import type { LogStep } from '@/lib/run/to-log-note';
import type { RunTail } from '@/components/live/run-tail';
import { Button } from '@/components/ui/button';
import { LogBar } from './log-bar';
import { findMatches, toLineSeq } from './log-lines';
import { LogRows } from './log-rows';
import { useLogScroll } from './use-log-scroll';
import { useLogStore } from './use-log-store';

interface Props {
  readonly runId: string;
  /** Only this step's lines; null for all. Another step is another component. */
  readonly stepId: string | null;
  readonly steps: ReadonlyMap<string, LogStep>;
  readonly tail: RunTail;
  readonly nodeName: (nodeId: string) => string;
  readonly isLive: boolean;
  /** Id of the line that the URL names. */
  readonly markedId: string | null;
  readonly onMark: (lineId: string) => void;
}

const ROW = 24;

/** The log, as much of it as is near: search, follow that stops when one scrolls, wrap, a link to each line. */
export function LogView({ runId, stepId, steps, tail, nodeName, isLive, markedId, onMark }: Props) {
  const [store, snapshot] = useLogStore({ runId, stepId, steps, tail });
  const { lines, isStart, isEnd, busy, error } = snapshot;
  const [query, setQuery] = useState('');
  const [isWrapped, setIsWrapped] = useState(false);
  const [place, setPlace] = useState(0);
  const [isNowhere, setIsNowhere] = useState(false);
  const scrollRef = useRef<HTMLDivElement>(null);
  const wanted = useDeferredValue(query);
  const matches = useMemo(() => findMatches(lines, wanted), [lines, wanted]);
  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizer's functions are not memoized by us
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scrollRef.current,
    estimateSize: () => ROW,
    overscan: 30,
    getItemKey: (index) => lines[index]?.id ?? index,
  });
  const isFollowingAtFirst = markedId === null && (isLive || stepId !== null || !isStart);
  const scroll = useLogScroll({ rows, store, snapshot, markedId, isFollowingAtFirst });
  const at = Math.min(place, Math.max(0, matches.length - 1));
  const goTo = (next: number) => {
    const wrapped = ((next % matches.length) + matches.length) % matches.length;
    setPlace(wrapped);
    const line = lines[matches[wrapped] ?? -1];
    if (line) void scroll.show(line.id);
  };
  const findEverywhere = async () => {
    const here = lines[matches[at] ?? -1]?.id ?? lines.at(-1)?.id ?? '0';
    const seq = await store.find(query.trim(), toLineSeq(here) ?? 0);
    setIsNowhere(seq === null && store.snapshot().error === null);
    if (seq === null) return;
    await store.open(`${seq}`);
    const near = store.snapshot().lines;
    const hits = findMatches(near, query);
    const hit = hits.findIndex((index) => (toLineSeq(near[index]?.id ?? '') ?? 0) >= seq);
    setPlace(Math.max(0, hit));
    await scroll.show(near[hits[hit] ?? -1]?.id ?? `${seq}`);
  };
  return (
    <section aria-label="Log" className="flex min-h-0 flex-1 flex-col border border-line bg-raised">
      <LogBar
        runId={runId}
        snapshot={snapshot}
        query={query}
        onQuery={(next) => {
          setQuery(next);
          setPlace(0);
          setIsNowhere(false);
        }}
        matches={matches.length}
        place={at}
        isNowhere={isNowhere}
        onGoTo={goTo}
        onFindEverywhere={() => void findEverywhere()}
        onFirst={() => void store.first().then(() => scroll.show(store.snapshot().lines[0]?.id ?? '1'))}
        onLast={scroll.follow}
        isWrapped={isWrapped}
        onWrap={setIsWrapped}
      />
      {error && (
        <p role="alert" className="border-b border-down px-3 py-1 text-down">
          {error}
        </p>
      )}
      <div className="relative min-h-0 flex-1">
        <div
          ref={scrollRef}
          onScroll={scroll.onScroll}
          tabIndex={0}
          aria-label="Lines of the log"
          aria-busy={busy !== null}
          className="h-full min-h-72 overflow-auto font-mono text-11 leading-6"
        >
          {lines.length === 0 && (
            <p className="p-3 text-soft">{isStart && isEnd ? 'No line yet.' : 'Reading the log'}</p>
          )}
          <LogRows
            rows={rows}
            lines={lines}
            query={wanted}
            isWrapped={isWrapped}
            nodeName={nodeName}
            markedId={markedId}
            foundIndex={matches[at] ?? null}
            onMark={onMark}
          />
        </div>
        {((isLive && !scroll.isFollowing) || !isEnd) && lines.length > 0 && (
          <Button className="floating absolute right-4 bottom-3" onClick={scroll.follow}>
            {isLive ? 'Jump to live' : 'Jump to the end'}
          </Button>
        )}
      </div>
    </section>
  );
}
