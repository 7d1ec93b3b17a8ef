'use client';
import { useState } from 'react';
import type { ActionError } from '@/lib/core/action-result';
import type { CheckCell, JobView } from '@/lib/run/job-view';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { CodeView } from '@/components/ui/code-view';
import { CopyButton } from '@/components/ui/copy-button';
import { cx } from '@/components/ui/cx';
import { EmptyState, ErrorPanel, Facts } from '@/components/ui/panels';
import { RelativeTime } from '@/components/ui/relative-time';
import { StateGlyph, StateMark } from '@/components/ui/state-mark';
import { CHECK_MARKS, findPreflightResult, toCheckRows, toCheckSummary } from './checks';
import type { CheckRow } from './checks';

export interface NamedNode {
  readonly id: string;
  readonly name: string;
}

interface Props {
  readonly nodes: readonly NamedNode[];
  readonly job: JobView | null;
  readonly isBusy: boolean;
  readonly error: ActionError | null;
  readonly reason?: string | null;
  readonly onRun: () => void;
}

/** The matrix host × check: shape and value in each cell; a cell opens its threshold, why and fix. */
export function ChecksPanel({ nodes, job, isBusy, error, reason, onRun }: Props) {
  const [chosen, setChosen] = useState<{ nodeId: string; checkId: string } | null>(null);
  const result = findPreflightResult(job);
  const isRunning = job?.state === 'queued' || job?.state === 'running';
  const again = (
    <Button isBusy={isBusy || isRunning} reason={reason} onClick={onRun}>
      {result ? 'Run the checks again' : 'Run the checks'}
    </Button>
  );
  return (
    <div className="flex flex-col gap-3">
      <ActionErrorPanel error={error} />
      {job?.failure && <ErrorPanel title={job.failure.message}>{job.failure.nextAction}</ErrorPanel>}
      {isRunning && (
        <p role="status">
          <StateMark {...CHECK_MARKS.waiting} word={job.progress || 'waiting for a worker'} />
        </p>
      )}
      {!result && !isRunning && (
        <EmptyState title="Nothing was checked yet" action={again}>
          The checks read each host over SSH: system, size, ports, leftovers. They change nothing.
        </EmptyState>
      )}
      {result?.unreachable.map((each) => (
        <ErrorPanel key={each.nodeId} title={`${nameOf(nodes, each.nodeId)}: ${each.failure.message}`}>
          {each.failure.nextAction}
        </ErrorPanel>
      ))}
      {result && (
        <>
          <div className="flex items-center gap-3">
            <span>{toCheckSummary(result)}</span>
            <span className="text-soft">
              read <RelativeTime at={result.takenAt} />
            </span>
            <span className="ml-auto">{again}</span>
          </div>
          <Matrix nodes={nodes} cells={result.cells} chosen={chosen} onChoose={setChosen} />
        </>
      )}
    </div>
  );
}

interface MatrixProps {
  readonly nodes: readonly NamedNode[];
  readonly cells: readonly CheckCell[];
  readonly chosen: { nodeId: string; checkId: string } | null;
  readonly onChoose: (cell: { nodeId: string; checkId: string } | null) => void;
}

function Matrix({ nodes, cells, chosen, onChoose }: MatrixProps) {
  return (
    <div className="overflow-auto border border-line bg-raised">
      <table aria-label="Checks by host" className="w-full border-collapse text-left">
        <thead>
          <tr>
            <th scope="col" className="drawn-label h-8 border-b border-line px-3 text-left font-normal">
              check
            </th>
            {nodes.map((node) => (
              <th
                key={node.id}
                scope="col"
                className="h-8 border-b border-line px-3 text-left font-mono font-normal"
              >
                {node.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {toCheckRows(cells).map((row) => (
            <MatrixRow key={row.checkId} row={row} nodes={nodes} chosen={chosen} onChoose={onChoose} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface MatrixRowProps extends Omit<MatrixProps, 'cells'> {
  readonly row: CheckRow;
}

/** One check on all hosts; a chosen cell tells more right under its row. */
function MatrixRow({ row, nodes, chosen, onChoose }: MatrixRowProps) {
  const open = chosen?.checkId === row.checkId ? row.cells.get(chosen.nodeId) : undefined;
  return (
    <>
      <tr className="border-b border-grid last:border-b-0">
        <th scope="row" className="px-3 text-left font-normal">
          {row.title}
        </th>
        {nodes.map((node) => {
          const cell = row.cells.get(node.id);
          const isChosen = cell !== undefined && cell === open;
          return (
            <td key={node.id} className={cx('p-0', isChosen && 'bg-grid')}>
              {cell && (
                <button
                  type="button"
                  aria-expanded={isChosen}
                  className="flex h-8 w-full items-center gap-1.5 px-3 text-left hover:bg-grid focus-visible:outline-offset-[-2px]"
                  onClick={() => onChoose(isChosen ? null : { nodeId: node.id, checkId: row.checkId })}
                >
                  <StateGlyph {...CHECK_MARKS[cell.status]} />
                  <span className="sr-only">{CHECK_MARKS[cell.status].word}: </span>
                  {cell.value || CHECK_MARKS[cell.status].word}
                </button>
              )}
            </td>
          );
        })}
      </tr>
      {open && (
        <tr className="border-b border-line">
          <td colSpan={nodes.length + 1} className="bg-paper p-3">
            <CellDetail cell={open} nodeName={nameOf(nodes, open.nodeId)} />
          </td>
        </tr>
      )}
    </>
  );
}

function CellDetail({ cell, nodeName }: { readonly cell: CheckCell; readonly nodeName: string }) {
  return (
    <div className="flex flex-col gap-2" aria-live="polite">
      <h3>
        {cell.title} on <span className="font-mono">{nodeName}</span>{' '}
        <StateMark {...CHECK_MARKS[cell.status]} />
      </h3>
      <Facts
        entries={[
          [
            'found',
            <span key="found" className="font-mono">
              {cell.value}
            </span>,
          ],
          ['wanted', cell.threshold],
          ['why', cell.why],
        ]}
      />
      {cell.fix && cell.status !== 'ok' && (
        <div>
          <div className="flex items-center justify-between">
            <h3>What to do</h3>
            <CopyButton text={cell.fix} />
          </div>
          <CodeView text={cell.fix} className="whitespace-pre-wrap" />
        </div>
      )}
    </div>
  );
}

function nameOf(nodes: readonly NamedNode[], nodeId: string): string {
  return nodes.find((node) => node.id === nodeId)?.name ?? nodeId;
}
