'use client';
import type { ReactNode } from 'react';
import type { PreflightResult } from '@/lib/run/job-view';
import type { CheckOverrideView } from '@/lib/run/preflight-view';
import { Checkbox } from '@/components/ui/input';
import { RelativeTime } from '@/components/ui/relative-time';
import { Badge, StateMark } from '@/components/ui/state-mark';
import { CHECK_MARKS, toCheckCounts } from './checks';

interface Props {
  readonly result: PreflightResult;
  readonly overrides: readonly CheckOverrideView[];
  readonly isOnlyProblems: boolean;
  readonly onOnlyProblems: (isOnly: boolean) => void;
  readonly runAll: ReactNode;
}

/** How many cells there are of each outcome, how old they are, the filter, and the way to run all again. */
export function ChecksBar({ result, overrides, isOnlyProblems, onOnlyProblems, runAll }: Props) {
  const counts = toCheckCounts(result, overrides);
  const shown = (['fail', 'warn', 'unknown', 'ok'] as const).filter(
    (name) => counts[name] > 0 || name === 'fail',
  );
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
      <span role="status" aria-label="Counts" className="flex flex-wrap items-center gap-x-4 gap-y-1">
        {shown.map((name) => (
          <StateMark
            key={name}
            {...CHECK_MARKS[name]}
            ink={counts[name] === 0 ? 'ink-soft' : CHECK_MARKS[name].ink}
            word={`${counts[name]} ${name}`}
          />
        ))}
        {counts.overridden > 0 && <Badge>{counts.overridden} overridden</Badge>}
        {counts.unreached > 0 && <StateMark {...CHECK_MARKS.fail} word={`${counts.unreached} not reached`} />}
      </span>
      <span className="text-soft">
        checked <RelativeTime at={result.takenAt} />
      </span>
      <span className="ml-auto flex flex-wrap items-center gap-4">
        <Checkbox
          label="Only problems"
          checked={isOnlyProblems}
          onChange={(event) => onOnlyProblems(event.target.checked)}
        />
        {runAll}
      </span>
    </div>
  );
}
