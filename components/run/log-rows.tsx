'use client';
import type { Virtualizer } from '@tanstack/react-virtual';
import { toCount } from '@/lib/core/text';
import { useIsUtc } from '@/components/ui/clock';
import { cx } from '@/components/ui/cx';
import { toClockText } from '@/components/ui/time-text';
import { AnsiLine } from './ansi-line';
import type { LogLine } from './log-lines';

interface Props {
  readonly rows: Virtualizer<HTMLDivElement, Element>;
  readonly lines: readonly LogLine[];
  readonly query: string;
  readonly isWrapped: boolean;
  readonly nodeName: (nodeId: string) => string;
  /** Id of the line that the URL names. */
  readonly markedId: string | null;
  /** Place of the line that the search stands at. */
  readonly foundIndex: number | null;
  readonly onMark: (lineId: string) => void;
}

/** The lines in view; styles are set by script, which a strict content policy allows. */
export function LogRows({ rows, lines, query, isWrapped, nodeName, markedId, foundIndex, onMark }: Props) {
  const isUtc = useIsUtc();
  return (
    <div className="relative w-full" style={{ height: rows.getTotalSize() }}>
      {rows.getVirtualItems().map((item) => {
        const line = lines[item.index];
        if (!line) return null;
        return (
          <div
            key={item.key}
            ref={rows.measureElement}
            data-index={item.index}
            className="absolute top-0 left-0 min-w-full"
            style={{ transform: `translateY(${item.start}px)` }}
          >
            <LineContent
              line={line}
              query={query}
              isMarked={line.id === markedId}
              isFound={item.index === foundIndex}
              isWrapped={isWrapped}
              clock={toClockText(Date.parse(line.at), isUtc)}
              node={line.nodeId ? nodeName(line.nodeId) : ''}
              onMark={onMark}
            />
          </div>
        );
      })}
    </div>
  );
}

interface LineProps {
  readonly line: LogLine;
  readonly query: string;
  readonly isMarked: boolean;
  readonly isFound: boolean;
  readonly isWrapped: boolean;
  readonly clock: string;
  readonly node: string;
  readonly onMark: (lineId: string) => void;
}

function LineContent({ line, query, isMarked, isFound, isWrapped, clock, node, onMark }: LineProps) {
  return (
    <div
      className={cx(
        'flex gap-3 px-2',
        isMarked ? 'bg-accent/20' : isFound && 'bg-grid',
        line.kind === 'note' && 'text-soft',
      )}
    >
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
          line.kind === 'note'
            ? 'italic wrap-anywhere whitespace-pre-wrap'
            : isWrapped
              ? 'break-all whitespace-pre-wrap'
              : 'whitespace-pre',
        )}
      >
        <AnsiLine text={line.text} query={query} />
        {line.cut > 0 && (
          <span className="text-soft"> … {toCount(line.cut, 'character')} more in the download</span>
        )}
      </span>
    </div>
  );
}
