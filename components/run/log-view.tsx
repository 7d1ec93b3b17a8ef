'use client';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, useState } from 'react';
import { toCount } from '@/lib/core/text';
import { Button } from '@/components/ui/button';
import { useIsUtc } from '@/components/ui/clock';
import { CopyButton } from '@/components/ui/copy-button';
import { cx } from '@/components/ui/cx';
import { Checkbox, Input } from '@/components/ui/input';
import { toClockText } from '@/components/ui/time-text';
import { AnsiLine } from './ansi-line';
import { findMatches, toPlainText } from './log-lines';
import type { LogLine } from './log-lines';
import { useFollow } from './use-follow';

interface Props {
  readonly runId: string;
  readonly lines: readonly LogLine[];
  readonly nodeName: (nodeId: string) => string;
  readonly isLive: boolean;
  /** Id of the line that the URL names. */
  readonly markedId: string | null;
  readonly onMark: (lineId: string) => void;
}

const ROW = 24;

/** The log: search with count, follow that stops when one scrolls, wrap, a link to each line, copy and download. */
export function LogView({ runId, lines, nodeName, isLive, markedId, onMark }: Props) {
  const [query, setQuery] = useState('');
  const [isWrapped, setIsWrapped] = useState(false);
  const [place, setPlace] = useState(0);
  const scrollRef = useRef<HTMLDivElement>(null);
  const isUtc = useIsUtc();
  const matches = findMatches(lines, query);
  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizer's functions are not memoized by us
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scrollRef.current,
    estimateSize: () => ROW,
    overscan: 30,
    getItemKey: (index) => lines[index]?.id ?? index,
  });
  const { isFollowing, follow, onScroll } = useFollow(rows, lines.length, isLive && markedId === null);
  const goTo = (next: number) => {
    const at = ((next % matches.length) + matches.length) % matches.length;
    setPlace(at);
    const line = matches[at];
    if (line !== undefined) rows.scrollToIndex(line, { align: 'center' });
  };
  return (
    <section aria-label="Log" className="flex min-h-0 flex-1 flex-col border border-line bg-raised">
      <div className="flex flex-wrap items-center gap-2 border-b border-grid p-1.5">
        <Input
          type="search"
          aria-label="Search in the log"
          placeholder="Search"
          value={query}
          className="max-w-56"
          onChange={(event) => {
            setQuery(event.target.value);
            setPlace(0);
          }}
          onKeyDown={(event) =>
            event.key === 'Enter' && matches.length > 0 && goTo(place + (event.shiftKey ? -1 : 1))
          }
        />
        {query.trim() !== '' && (
          <>
            <span role="status" className="drawn-label">
              {matches.length === 0 ? 'not found' : `${place + 1} of ${matches.length}`}
            </span>
            <Button
              isCompact
              aria-label="Previous match"
              reason={matches.length === 0 ? 'Nothing was found.' : null}
              onClick={() => goTo(place - 1)}
            >
              ↑
            </Button>
            <Button
              isCompact
              aria-label="Next match"
              reason={matches.length === 0 ? 'Nothing was found.' : null}
              onClick={() => goTo(place + 1)}
            >
              ↓
            </Button>
          </>
        )}
        <span className="drawn-label">{toCount(lines.length, 'line')}</span>
        <span className="ml-auto flex items-center gap-2">
          <Checkbox
            label="Wrap"
            checked={isWrapped}
            onChange={(event) => setIsWrapped(event.target.checked)}
          />
          <CopyButton text={lines.map((line) => toPlainText(line.text)).join('\n')} />
          <a href={`/api/v1/runs/${encodeURIComponent(runId)}/log`} download className="px-2 hover:underline">
            Download
          </a>
        </span>
      </div>
      <div className="relative min-h-0 flex-1">
        <div
          ref={scrollRef}
          onScroll={onScroll}
          tabIndex={0}
          aria-label="Lines of the log"
          className="h-full min-h-72 overflow-auto font-mono text-11 leading-6"
        >
          {lines.length === 0 && <p className="p-3 text-soft">No line yet.</p>}
          <VirtualRows height={rows.getTotalSize()}>
            {rows.getVirtualItems().map((item) => {
              const line = lines[item.index];
              if (!line) return null;
              return (
                <Row key={item.key} top={item.start} measure={rows.measureElement} index={item.index}>
                  <LineContent
                    line={line}
                    query={query}
                    isMarked={line.id === markedId}
                    isWrapped={isWrapped}
                    clock={toClockText(Date.parse(line.at), isUtc)}
                    node={line.nodeId ? nodeName(line.nodeId) : ''}
                    onMark={onMark}
                  />
                </Row>
              );
            })}
          </VirtualRows>
        </div>
        {isLive && !isFollowing && (
          <Button className="floating absolute right-4 bottom-3" onClick={follow}>
            Jump to live
          </Button>
        )}
      </div>
    </section>
  );
}

/** The full height of the list; styles are set by script, which a strict content policy allows. */
function VirtualRows({ height, children }: { readonly height: number; readonly children: React.ReactNode }) {
  return (
    <div className="relative w-full" style={{ height }}>
      {children}
    </div>
  );
}

interface RowProps {
  readonly top: number;
  readonly index: number;
  readonly measure: (element: HTMLElement | null) => void;
  readonly children: React.ReactNode;
}

function Row({ top, index, measure, children }: RowProps) {
  return (
    <div
      ref={measure}
      data-index={index}
      className="absolute top-0 left-0 min-w-full"
      style={{ transform: `translateY(${top}px)` }}
    >
      {children}
    </div>
  );
}

interface LineProps {
  readonly line: LogLine;
  readonly query: string;
  readonly isMarked: boolean;
  readonly isWrapped: boolean;
  readonly clock: string;
  readonly node: string;
  readonly onMark: (lineId: string) => void;
}

function LineContent({ line, query, isMarked, isWrapped, clock, node, onMark }: LineProps) {
  return (
    <div className={cx('flex gap-3 px-2', isMarked && 'bg-accent/20', line.kind === 'note' && 'text-soft')}>
      <a
        href={`#line-${line.id}`}
        aria-label={`${clock}, link to line ${line.id}`}
        className="min-h-6 shrink-0 text-soft select-none hover:text-ink hover:underline"
        onClick={() => onMark(line.id)}
      >
        {clock}
      </a>
      <span className="w-16 shrink-0 truncate text-soft select-none" title={node}>
        {node}
      </span>
      <span
        className={cx(
          'min-w-0',
          isWrapped ? 'break-all whitespace-pre-wrap' : 'whitespace-pre',
          line.kind === 'note' && 'italic',
        )}
      >
        <AnsiLine text={line.text} query={query} />
      </span>
    </div>
  );
}
