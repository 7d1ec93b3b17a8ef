'use client';
import Link from 'next/link';
import { toBytesText, toDurationText } from '@/lib/core/duration';
import { toCount } from '@/lib/core/text';
import { runCan } from '@/lib/run/run-can';
import type { RunOverride } from '@/lib/run/run-event';
import { RUN_STATES } from '@/lib/run/run-states';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { buttonClass } from '@/components/ui/button-class';
import { useNow } from '@/components/ui/clock';
import { RelativeTime } from '@/components/ui/relative-time';
import { StateMark } from '@/components/ui/state-mark';
import { useAction } from '@/components/ui/use-action';
import type { RunActions, RunRefusals } from './run-actions';
import type { RunLog } from './use-run-log';

interface Props {
  readonly log: RunLog;
  readonly refusals: RunRefusals;
  readonly cancelRun: RunActions['cancelRun'];
  readonly nodeName: (nodeId: string) => string;
}

const KIND_WORDS = { apply: 'Apply', uninstall: 'Uninstall' } as const;

/** What run this is, where it stands, and the way to stop it. */
export function RunHead({ log: { run, summary }, refusals, cancelRun, nodeName }: Props) {
  const nowMs = useNow();
  const cancel = useAction(cancelRun);
  const isCancelling = run.cancelRequested || summary.cancelRequestedBy !== null;
  const canCancel = runCan.cancel({ state: summary.state, cancelRequested: isCancelling });
  const isOver = RUN_STATES[summary.state].isTerminal;
  const endMs = summary.finishedAt === null ? nowMs : Date.parse(summary.finishedAt);
  const word = !isOver && isCancelling ? 'cancelling' : RUN_STATES[summary.state].word;
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <h1 className="min-w-0 wrap-anywhere">
          {KIND_WORDS[run.kind]} revision {run.revision} on{' '}
          <Link href={`/sites/${run.siteId}/topology`} className="hover:underline">
            {run.siteName}
          </Link>
        </h1>
        <span role="status">
          <StateMark {...RUN_STATES[summary.state]} word={word} className="text-15" />
        </span>
        <span className="font-mono">
          {summary.stepsDone} of {summary.stepsTotal} steps
          {run.stepsSkipped > 0 && `, ${run.stepsSkipped} skipped`}
        </span>
        {run.onlyNodeId !== null && <span>only {nodeName(run.onlyNodeId)}</span>}
        {summary.startedAt && (
          <span className="font-mono text-soft">
            {isOver ? 'took' : 'for'} {toDurationText(endMs - Date.parse(summary.startedAt))}
          </span>
        )}
        {run.logBytes > 0 && <span className="font-mono text-soft">log {toBytesText(run.logBytes)}</span>}
        <span className="text-soft">
          started by {run.createdBy} <RelativeTime at={run.createdAt} />
        </span>
        <span className="ml-auto flex gap-2">
          {summary.state === 'done' && (
            <Link href={`/sites/${run.siteId}/topology`} className={buttonClass({ look: 'primary' })}>
              Open the drawing
            </Link>
          )}
          {!isOver && (
            <Button
              look="danger"
              isBusy={cancel.isBusy}
              reason={refusals.control ?? (canCancel.allowed ? null : canCancel.reason)}
              onClick={() => cancel.run(run.id)}
            >
              Cancel the run
            </Button>
          )}
        </span>
      </div>
      {summary.state === 'done' && run.stepsSkipped > 0 && (
        <p className="text-degraded">
          {toCount(run.stepsSkipped, 'step')} left out, so revision {run.revision} does not count as applied.
          Plan again to see what is left.
        </p>
      )}
      <Overrides overrides={summary.overrides} nodeName={nodeName} />
      <ActionErrorPanel error={cancel.error} />
    </div>
  );
}

/** Failing checks that were let pass for this run: who did, and why. */
function Overrides({
  overrides,
  nodeName,
}: { readonly overrides: readonly RunOverride[] } & Pick<Props, 'nodeName'>) {
  if (overrides.length === 0) return null;
  return (
    <details className="border border-line px-3 py-1">
      <summary>
        <StateMark
          shape="square-bar"
          ink="down"
          word={`${toCount(overrides.length, 'failing check')} overridden`}
        />
      </summary>
      <ul className="py-1">
        {overrides.map(({ nodeId, checkId, title, value, by, reason }) => (
          <li key={`${nodeId} ${checkId}`} className="wrap-anywhere">
            <span className="font-mono">{nodeName(nodeId)}</span> {title}:{' '}
            <span className="font-mono">{value}</span>, by {by}: “{reason}”
          </li>
        ))}
      </ul>
    </details>
  );
}
