'use client';
import { toCount } from '@/lib/core/text';
import { Button } from '@/components/ui/button';
import { CopyButton } from '@/components/ui/copy-button';
import { Checkbox, Input } from '@/components/ui/input';
import { toPlainText } from './log-lines';
import type { LogSnapshot } from './log-store';

interface Props {
  readonly runId: string;
  readonly snapshot: LogSnapshot;
  readonly query: string;
  readonly onQuery: (query: string) => void;
  /** Lines here that hold what is searched for, and which of them one is at, from 0. */
  readonly matches: number;
  readonly place: number;
  /** The whole log was searched, and nothing found. */
  readonly isNowhere: boolean;
  readonly onGoTo: (place: number) => void;
  readonly onFindEverywhere: () => void;
  readonly onFirst: () => void;
  readonly onLast: () => void;
  readonly isWrapped: boolean;
  readonly onWrap: (isWrapped: boolean) => void;
}

/** Search, where one is in the log, and what can be done with it. */
export function LogBar({ runId, snapshot, query, isWrapped, onWrap, ...search }: Props) {
  const { lines, isStart, isEnd } = snapshot;
  const isWhole = isStart && isEnd;
  return (
    <div className="flex flex-wrap items-center gap-2 border-b border-grid p-1.5">
      <LogSearch query={query} isWhole={isWhole} isBusy={snapshot.busy === 'search'} {...search} />
      <span className="drawn-label">
        {toCount(lines.length, 'line')}
        {!isWhole && lines.length > 0 && ', a part of the log'}
      </span>
      {!isWhole && (
        <>
          <Button
            isCompact
            look="quiet"
            reason={isStart ? 'This is the start of the log.' : null}
            onClick={search.onFirst}
          >
            To the start
          </Button>
          <Button isCompact look="quiet" onClick={search.onLast}>
            To the end
          </Button>
        </>
      )}
      <span className="ml-auto flex items-center gap-2">
        <Checkbox label="Wrap" checked={isWrapped} onChange={(event) => onWrap(event.target.checked)} />
        <CopyButton
          label={isWhole ? undefined : 'Copy this part'}
          text={() => lines.map((line) => toPlainText(line.text)).join('\n')}
        />
        <a href={`/api/v1/runs/${encodeURIComponent(runId)}/log`} download className="px-2 hover:underline">
          {isWhole ? 'Download' : 'Download the whole log'}
        </a>
      </span>
    </div>
  );
}

type SearchProps = Omit<Props, 'runId' | 'snapshot' | 'isWrapped' | 'onWrap' | 'onFirst' | 'onLast'> & {
  readonly isWhole: boolean;
  readonly isBusy: boolean;
};

function LogSearch(props: SearchProps) {
  const { query, onQuery, matches, place, isNowhere, onGoTo, onFindEverywhere, isWhole, isBusy } = props;
  const isSearching = query.trim() !== '';
  const nothing = matches === 0 ? 'Nothing was found.' : null;
  const words =
    matches > 0
      ? `${place + 1} of ${matches}${isWhole ? '' : ' here'}`
      : isNowhere || isWhole
        ? 'not found'
        : 'not here';
  return (
    <>
      <Input
        type="search"
        aria-label="Search in the log"
        placeholder="Search"
        value={query}
        className="max-w-56"
        maxLength={200}
        onChange={(event) => onQuery(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          if (matches > 0) onGoTo(place + (event.shiftKey ? -1 : 1));
          else if (isSearching && !isWhole) onFindEverywhere();
        }}
      />
      {isSearching && (
        <>
          <span role="status" className="drawn-label">
            {words}
          </span>
          <Button isCompact aria-label="Previous match" reason={nothing} onClick={() => onGoTo(place - 1)}>
            ↑
          </Button>
          <Button isCompact aria-label="Next match" reason={nothing} onClick={() => onGoTo(place + 1)}>
            ↓
          </Button>
          {!isWhole && (
            <Button isCompact isBusy={isBusy} onClick={onFindEverywhere}>
              Find in the whole log
            </Button>
          )}
        </>
      )}
    </>
  );
}
