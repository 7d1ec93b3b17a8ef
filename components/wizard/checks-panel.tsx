'use client';
import type { PreflightView } from '@/lib/run/preflight-view';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { EmptyState, ErrorPanel, Skeleton } from '@/components/ui/panels';
import { StateMark } from '@/components/ui/state-mark';
import type { CheckActions } from './actions';
import { CHECK_MARKS } from './checks';
import { ChecksBar } from './checks-bar';
import type { CellTools } from './checks-cell';
import { ChecksLinks } from './checks-links';
import { ChecksMatrix } from './checks-matrix';
import type { ChecksUse } from './use-checks';
import { useOnlyProblems } from './use-only-problems';

export interface NamedNode {
  readonly id: string;
  readonly name: string;
}

interface Props {
  readonly nodes: readonly NamedNode[];
  readonly checks: ChecksUse;
  readonly actions: CheckActions;
  /** Why the checks cannot be run, in words. */
  readonly runReason?: string | null;
  /** Why this person may not override. */
  readonly overrideReason?: string | null;
  /** Runs all checks; the wizard stores the site first. */
  readonly onRunAll: () => void;
  /** Of the wizard's own storing of the site before the checks. */
  readonly isStarting?: boolean;
}

/** The checks of a site: what was found on each host and between them, live while they run. */
export function ChecksPanel(props: Props) {
  const { checks, runReason, onRunAll, isStarting } = props;
  const { view, job, isRunning } = checks;
  const result = view?.result ?? null;
  const runAll = (
    <Button
      look={view?.stale ? 'primary' : 'plain'}
      isBusy={checks.isBusy || isRunning || isStarting === true}
      reason={runReason}
      onClick={onRunAll}
    >
      {result ? 'Run all checks again' : 'Run the checks'}
    </Button>
  );
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <ActionErrorPanel error={checks.error} />
      {checks.isUnreadable && (
        <ErrorPanel
          title="The checks could not be read."
          action={<Button onClick={() => void checks.reload()}>Read them again</Button>}
        />
      )}
      {job?.failure && <ErrorPanel title={job.failure.message}>{job.failure.nextAction}</ErrorPanel>}
      {isRunning && (
        <p role="status">
          <StateMark {...CHECK_MARKS.waiting} word={job?.progress || 'waiting for a worker'} />
        </p>
      )}
      {!result && isRunning && <Skeleton rows={12} />}
      {!result && !isRunning && !checks.isUnreadable && !job?.failure && (
        <EmptyState title="Nothing was checked yet" action={runAll}>
          The checks read each host over SSH: system, size, disks, time, ports, leftovers, and what each host
          reaches on the others. They change nothing: what they write for a moment is gone when they end.
        </EmptyState>
      )}
      {!result && job?.failure && !isRunning && <div>{runAll}</div>}
      {view && result && <Found {...props} view={view} result={result} runAll={runAll} />}
    </div>
  );
}

interface FoundProps extends Props {
  readonly view: PreflightView;
  readonly result: NonNullable<PreflightView['result']>;
  readonly runAll: React.ReactNode;
}

function Found({ nodes, checks, actions, view, result, runAll, ...props }: FoundProps) {
  const [isOnlyProblems, setIsOnlyProblems] = useOnlyProblems();
  const againReason =
    props.runReason ??
    (checks.isRunning || checks.isBusy ? 'Checks are being run.' : null) ??
    (view.revision === result.revision ? null : 'The topology changed since: run all checks again.');
  const tools: CellTools = {
    siteId: view.siteId,
    actions,
    overrides: view.overrides,
    againReason,
    overrideReason: props.overrideReason ?? null,
    onAgain: (scope) => checks.run(view.siteId, scope),
    onChanged: () => void checks.reload(),
  };
  const running = checks.isRunning ? view.scope : null;
  return (
    <>
      {view.stale && (
        <p className="border border-line bg-raised p-3">
          <StateMark shape="triangle" ink="degraded" word="outdated" className="mr-2" />
          {view.stale}
        </p>
      )}
      {result.unreachable.map((each) => (
        <ErrorPanel
          key={each.nodeId}
          title={`${nameOf(nodes, each.nodeId)} was not reached: ${each.failure.message}`}
          action={
            <Button
              reason={againReason}
              onClick={() => tools.onAgain({ nodeIds: [each.nodeId], checkIds: null })}
            >
              Check {nameOf(nodes, each.nodeId)} again
            </Button>
          }
        >
          {each.failure.nextAction}
        </ErrorPanel>
      ))}
      <ChecksBar
        result={result}
        overrides={view.overrides}
        isOnlyProblems={isOnlyProblems}
        onOnlyProblems={setIsOnlyProblems}
        runAll={runAll}
      />
      <ChecksMatrix
        nodes={nodes}
        result={result}
        running={running}
        isOnlyProblems={isOnlyProblems}
        tools={tools}
      />
      {result.links.length > 0 && (
        <ChecksLinks
          nodes={nodes}
          links={result.links}
          running={running}
          isOnlyProblems={isOnlyProblems}
          tools={tools}
        />
      )}
      {result.notes.map((note) => (
        <p key={note} className="text-soft">
          {note}
        </p>
      ))}
    </>
  );
}

export function nameOf(nodes: readonly NamedNode[], nodeId: string): string {
  return nodes.find((node) => node.id === nodeId)?.name ?? nodeId;
}
