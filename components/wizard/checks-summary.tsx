'use client';
import Link from 'next/link';
import { toCount } from '@/lib/core/text';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { buttonClass } from '@/components/ui/button-class';
import { Panel } from '@/components/ui/panels';
import { RelativeTime } from '@/components/ui/relative-time';
import { StateMark } from '@/components/ui/state-mark';
import { CHECK_MARKS, toCheckSummary } from './checks';
import type { ChecksUse } from './use-checks';
import { ALL_CELLS } from './use-checks';

interface Props {
  readonly siteId: string;
  readonly checks: ChecksUse;
  readonly runReason: string | null;
}

/** Blockers that stand here by name; the others are counted. */
const SHOWN = 8;

/** Beside a plan: whether the checks let it be applied, what stands in the way, and the way to the matrix. */
export function ChecksSummary({ siteId, checks, runReason }: Props) {
  const { view, job, isRunning, isBusy } = checks;
  const result = view?.result ?? null;
  const blockers = view?.blockers ?? [];
  return (
    <Panel
      label="checks"
      aside={
        <span className="flex items-center gap-2 py-1">
          <Button
            isCompact
            isBusy={isRunning || isBusy}
            reason={runReason}
            onClick={() => checks.run(siteId, ALL_CELLS)}
          >
            {result ? 'Run the checks again' : 'Run the checks'}
          </Button>
          <Link href={`/sites/${siteId}/preflight`} className={buttonClass({ isCompact: true })}>
            Open the matrix
          </Link>
        </span>
      }
    >
      <div className="flex flex-col gap-2 p-3">
        <ActionErrorPanel error={checks.error} />
        {isRunning && (
          <p role="status">
            <StateMark {...CHECK_MARKS.waiting} word={job?.progress || 'waiting for a worker'} />
          </p>
        )}
        {checks.isUnreadable && <p className="text-down">The checks could not be read. Reload the page.</p>}
        {view && !result && !isRunning && <p>Nothing was checked yet: a plan is applied after the checks.</p>}
        {result && (
          <p className="flex flex-wrap items-center gap-x-3">
            <StateMark {...toGateMark(view?.refusal ?? null, view?.stale ?? null)} />
            <span>{toCheckSummary(result, view?.overrides)}</span>
            <span className="text-soft">
              checked <RelativeTime at={result.takenAt} />
            </span>
          </p>
        )}
        {view?.stale && <p>{view.stale}</p>}
        {blockers.length > 0 && (
          <ul aria-label="Failing checks" className="flex flex-col gap-1">
            {blockers.slice(0, SHOWN).map(({ nodeId, nodeName, checkId, title, value, threshold }) => (
              <li key={`${nodeId} ${checkId ?? ''}`} className="wrap-anywhere">
                <span className="font-mono">{nodeName}</span> {title}:{' '}
                <span className="font-mono">{value}</span>{' '}
                <span className="text-soft">wanted {threshold}</span>
              </li>
            ))}
            {blockers.length > SHOWN && (
              <li className="text-soft">and {toCount(blockers.length - SHOWN, 'more', 'more')}</li>
            )}
          </ul>
        )}
      </div>
    </Panel>
  );
}

function toGateMark(refusal: string | null, stale: string | null) {
  if (refusal === null) return { ...CHECK_MARKS.ok, word: 'Apply is open' };
  if (stale !== null) return { ...CHECK_MARKS.warn, word: 'outdated' };
  return { ...CHECK_MARKS.fail, word: 'Apply is closed' };
}
