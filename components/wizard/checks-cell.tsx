'use client';
import { useState } from 'react';
import type { CheckCell, PreflightScope } from '@/lib/run/job-view';
import type { CheckOverrideView } from '@/lib/run/preflight-view';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { CodeView } from '@/components/ui/code-view';
import { CopyButton } from '@/components/ui/copy-button';
import { Facts } from '@/components/ui/panels';
import { RelativeTime } from '@/components/ui/relative-time';
import { StateMark } from '@/components/ui/state-mark';
import { useAction } from '@/components/ui/use-action';
import type { CheckActions } from './actions';
import { CHECK_MARKS, findOverride, findPastOverride, toMarkName } from './checks';
import { OverrideForm } from './checks-override';

/** What can be done with cells of a site, and why not. */
export interface CellTools {
  readonly siteId: string;
  readonly actions: CheckActions;
  readonly overrides: readonly CheckOverrideView[];
  /** Why a cell cannot be checked again now, in words. */
  readonly againReason: string | null;
  /** Why this person may not override, in words. */
  readonly overrideReason: string | null;
  readonly onAgain: (scope: PreflightScope) => void;
  /** An override was made or taken back. */
  readonly onChanged: () => void;
}

interface Props {
  readonly cell: CheckCell;
  readonly nodeName: string;
  readonly tools: CellTools;
  readonly onDone: () => void;
}

/** What one check found on one host: value, threshold, why, what to do; and run again, or let pass. */
export function CellDetail({ cell, nodeName, tools, onDone }: Props) {
  const again = (scope: PreflightScope) => {
    tools.onAgain(scope);
    onDone();
  };
  return (
    <div className="flex flex-col gap-3">
      <div className="flex items-start justify-between gap-3">
        <h3 className="wrap-anywhere">
          {cell.title} on <span className="font-mono">{nodeName}</span>
        </h3>
        <StateMark {...CHECK_MARKS[toMarkName(cell)]} />
      </div>
      <Facts entries={toFacts(cell)} />
      {cell.fix && cell.status !== 'ok' && (
        <div>
          <div className="mb-1 flex items-center justify-between">
            <h4 className="font-medium">What to do</h4>
            <CopyButton text={cell.fix} />
          </div>
          <CodeView text={cell.fix} className="whitespace-pre-wrap wrap-anywhere" />
        </div>
      )}
      <OverridePart cell={cell} tools={tools} />
      <div className="flex flex-wrap gap-2 border-t border-grid pt-3">
        <Button
          isCompact
          reason={tools.againReason}
          onClick={() => again({ nodeIds: [cell.nodeId], checkIds: [cell.checkId] })}
        >
          Check again
        </Button>
        <Button
          isCompact
          look="quiet"
          reason={tools.againReason}
          onClick={() => again({ nodeIds: null, checkIds: [cell.checkId] })}
        >
          Check on all hosts
        </Button>
        <Button
          isCompact
          look="quiet"
          reason={tools.againReason}
          onClick={() => again({ nodeIds: [cell.nodeId], checkIds: null })}
        >
          Check all of {nodeName}
        </Button>
      </div>
    </div>
  );
}

function toFacts({ value, threshold, why, source, takenAt }: CheckCell): [string, React.ReactNode][] {
  const facts: [string, React.ReactNode][] = [
    [
      'found',
      <span key="found" className="font-mono wrap-anywhere">
        {value}
      </span>,
    ],
    ['wanted', threshold],
    ['why', why],
  ];
  if (source)
    facts.push([
      'source',
      <span key="source" className="wrap-anywhere">
        {source}
      </span>,
    ]);
  if (takenAt) facts.push(['checked', <RelativeTime key="checked" at={takenAt} />]);
  return facts;
}

/** Of a red cell: who let it pass and why with the way back, or the way to let it pass. */
function OverridePart({ cell, tools }: Pick<Props, 'cell' | 'tools'>) {
  const [isAsking, setIsAsking] = useState(false);
  const revoking = useAction(tools.actions.revokeOverride);
  const override = findOverride(cell, tools.overrides);
  const past = findPastOverride(cell, tools.overrides);
  if (override) {
    return (
      <div className="flex flex-col gap-2 border border-line p-2">
        <p>
          Overridden by {override.createdBy} <RelativeTime at={override.createdAt} />, for the next run:{' '}
          <span className="wrap-anywhere">“{override.reason}”</span>
        </p>
        <ActionErrorPanel error={revoking.error} />
        <div>
          <Button
            isCompact
            isBusy={revoking.isBusy}
            reason={tools.overrideReason}
            onClick={() => revoking.run({ siteId: tools.siteId, overrideId: override.id }, tools.onChanged)}
          >
            Take the override back
          </Button>
        </div>
      </div>
    );
  }
  if (cell.status !== 'fail') return null;
  return (
    <div className="flex flex-col gap-2">
      {past && (
        <p className="text-soft">
          {past.createdBy} overrode it <RelativeTime at={past.createdAt} />
          {past.state === 'used' ? ' for a run that has been started' : ', before it was found otherwise'}.
        </p>
      )}
      {isAsking ? (
        <OverrideForm
          cell={cell}
          siteId={tools.siteId}
          overrideCheck={tools.actions.overrideCheck}
          onCancel={() => setIsAsking(false)}
          onDone={() => {
            setIsAsking(false);
            tools.onChanged();
          }}
        />
      ) : (
        <div className="flex items-center justify-between gap-3">
          <span className="text-down">It stands in the way of Apply.</span>
          <Button isCompact look="danger" reason={tools.overrideReason} onClick={() => setIsAsking(true)}>
            Override
          </Button>
        </div>
      )}
    </div>
  );
}
