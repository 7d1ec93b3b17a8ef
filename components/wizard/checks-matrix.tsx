'use client';
import { RotateCw } from 'lucide-react';
import { useState } from 'react';
import type { CheckCell, PreflightResult, PreflightScope } from '@/lib/run/job-view';
import { cx } from '@/components/ui/cx';
import { Popover } from '@/components/ui/popover';
import { Badge } from '@/components/ui/state-mark';
import { CHECK_MARKS, findOverride, isInScope, toCheckGroups, toMarkName } from './checks';
import type { CheckGroup, CheckRow } from './checks';
import type { CellTools } from './checks-cell';
import { CellDetail } from './checks-cell';
import { CheckButton, ChecksTable, EmptyCell, HEAD_WIDTH, nameOf } from './checks-table';
import type { NamedNode } from './checks-table';
import { moveInTable } from './move-in-table';

interface Props {
  readonly nodes: readonly NamedNode[];
  readonly result: PreflightResult;
  /** What is being checked now; null while nothing is. */
  readonly running: PreflightScope | null;
  readonly isOnlyProblems: boolean;
  readonly tools: CellTools;
}

interface Chosen {
  readonly nodeId: string;
  readonly checkId: string;
  readonly button: HTMLElement;
}

/** The matrix host × check: shape and value in each cell, a sheet with threshold, why and fix behind it. */
export function ChecksMatrix({ nodes, result, running, isOnlyProblems, tools }: Props) {
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [stop, setStop] = useState<string | null>(null);
  const groups = toCheckGroups(result.cells, isOnlyProblems);
  const keys = groups.flatMap(({ rows }) =>
    rows.flatMap((row) => nodes.flatMap(({ id }) => (row.cells.has(id) ? [`${row.checkId} ${id}`] : []))),
  );
  const tabStop = stop !== null && keys.includes(stop) ? stop : (keys[0] ?? null);
  const cell =
    chosen && result.cells.find((each) => each.nodeId === chosen.nodeId && each.checkId === chosen.checkId);
  const shared = {
    nodes,
    running,
    tools,
    chosen,
    tabStop,
    onStop: setStop,
    onChoose: setChosen,
  };
  return (
    <>
      <ChecksTable
        label="Checks by host"
        columns={nodes.length}
        empty={groups.length === 0 ? 'Every check is ok.' : null}
        isBusy={running !== null}
        className="max-h-[calc(100vh-13rem)] min-h-72"
      >
        <MatrixHead nodes={nodes} tools={tools} />
        {groups.map((group) => (
          <MatrixGroup key={group.key} group={group} {...shared} />
        ))}
      </ChecksTable>
      <Popover
        anchor={cell ? chosen.button : null}
        label={cell ? `${cell.title} on ${nameOf(nodes, cell.nodeId)}` : ''}
        onClose={() => setChosen(null)}
      >
        {cell && (
          <CellDetail
            cell={cell}
            nodeName={nameOf(nodes, cell.nodeId)}
            tools={tools}
            onDone={() => setChosen(null)}
          />
        )}
      </Popover>
    </>
  );
}

const STICKY_HEAD = 'sticky left-0 z-10 border-r border-r-grid bg-raised';

function MatrixHead({ nodes, tools }: Pick<Props, 'nodes' | 'tools'>) {
  return (
    <thead>
      <tr>
        <th
          scope="col"
          style={{ width: HEAD_WIDTH }}
          className={cx(STICKY_HEAD, 'drawn-label top-0 z-20 h-8 border-b border-b-line px-3 font-normal')}
        >
          check
        </th>
        {nodes.map((node) => (
          <th
            key={node.id}
            scope="col"
            className="sticky top-0 z-10 h-8 border-b border-line bg-raised px-2 font-mono font-normal"
          >
            <span className="flex items-center justify-between gap-1">
              <span className="truncate" title={node.name}>
                {node.name}
              </span>
              <AgainButton
                label={`Check all of ${node.name} again`}
                reason={tools.againReason}
                onClick={() => tools.onAgain({ nodeIds: [node.id], checkIds: null })}
              />
            </span>
          </th>
        ))}
      </tr>
    </thead>
  );
}

interface AgainButtonProps {
  readonly label: string;
  readonly reason: string | null;
  readonly onClick: () => void;
}

function AgainButton({ label, reason, onClick }: AgainButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      aria-disabled={reason !== null}
      title={reason ?? label}
      className="shrink-0 rounded-2 p-1 text-soft hover:bg-grid hover:text-ink aria-disabled:opacity-50"
      onClick={() => reason === null && onClick()}
    >
      <RotateCw aria-hidden className="size-3" />
    </button>
  );
}

interface RowsProps extends Pick<Props, 'nodes' | 'running' | 'tools'> {
  readonly chosen: Chosen | null;
  /** The one cell that the Tab key reaches; arrow keys move on from there. */
  readonly tabStop: string | null;
  readonly onStop: (key: string) => void;
  readonly onChoose: (chosen: Chosen | null) => void;
}

function MatrixGroup({ group, ...rest }: RowsProps & { readonly group: CheckGroup }) {
  return (
    <tbody onKeyDown={moveInTable}>
      <tr>
        <th
          scope="rowgroup"
          className={cx(STICKY_HEAD, 'drawn-label border-b border-b-grid bg-paper px-3 py-1')}
        >
          {group.word}
        </th>
        <td colSpan={rest.nodes.length} className="border-b border-grid bg-paper" />
      </tr>
      {group.rows.map((row) => (
        <MatrixRow key={row.checkId} row={row} {...rest} />
      ))}
    </tbody>
  );
}

function MatrixRow({ row, ...rest }: RowsProps & { readonly row: CheckRow }) {
  const { nodes, tools } = rest;
  return (
    <tr className="group">
      <th
        scope="row"
        className={cx(STICKY_HEAD, 'h-8 border-b border-b-grid px-3 font-normal group-hover:bg-grid')}
      >
        <span className="flex items-center justify-between gap-1">
          <span className="leading-tight">{row.title}</span>
          <AgainButton
            label={`Check ${row.title} again on all hosts`}
            reason={tools.againReason}
            onClick={() => tools.onAgain({ nodeIds: null, checkIds: [row.checkId] })}
          />
        </span>
      </th>
      {nodes.map((node) => {
        const cell = row.cells.get(node.id);
        return (
          <td key={node.id} className="border-b border-grid p-0">
            {cell ? (
              <CellButton cell={cell} nodeName={node.name} {...rest} />
            ) : (
              <EmptyCell sign="–" words="does not apply" />
            )}
          </td>
        );
      })}
    </tr>
  );
}

function CellButton({
  cell,
  nodeName,
  ...rest
}: Omit<RowsProps, 'nodes'> & { readonly cell: CheckCell; readonly nodeName: string }) {
  const { running, tools, chosen, tabStop, onStop, onChoose } = rest;
  const { nodeId, checkId, value } = cell;
  const key = `${checkId} ${nodeId}`;
  const isChosen = chosen?.nodeId === nodeId && chosen.checkId === checkId;
  const mark = CHECK_MARKS[running && isInScope(running, cell) ? 'waiting' : toMarkName(cell)];
  // A whole preflight turns every cell; one moving line above the matrix says the same more calmly.
  const isTurning = running?.nodeIds !== null || running.checkIds !== null;
  return (
    <CheckButton
      mark={mark}
      turns={isTurning}
      names={`${nodeName}, ${cell.title}`}
      words={value || mark.word}
      title={value}
      isChosen={isChosen}
      isTabStop={key === tabStop}
      onStop={() => onStop(key)}
      onChoose={(button) => onChoose(button && { nodeId, checkId, button })}
    >
      {findOverride(cell, tools.overrides) && <Badge className="shrink-0">let pass</Badge>}
    </CheckButton>
  );
}
