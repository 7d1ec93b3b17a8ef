'use client';
import { useState } from 'react';
import { isReached, LINK_STATE_WORDS, toPortStatus } from '@/lib/health/link-states';
import type { LinkCell, PreflightScope } from '@/lib/run/job-view';
import { Button } from '@/components/ui/button';
import { cx } from '@/components/ui/cx';
import { Popover } from '@/components/ui/popover';
import { StateMark, toneClass } from '@/components/ui/state-mark';
import { CHECK_MARKS, isInScope, toLinkMarkName, toLinkPairs, toPairKey } from './checks';
import type { LinkPair } from './checks';
import type { CellTools } from './checks-cell';
import { CheckButton, ChecksTable, EmptyCell, HEAD_WIDTH, nameOf } from './checks-table';
import type { NamedNode } from './checks-table';
import { moveInTable } from './move-in-table';

interface Props {
  readonly nodes: readonly NamedNode[];
  readonly links: readonly LinkCell[];
  readonly running: PreflightScope | null;
  readonly isOnlyProblems: boolean;
  readonly tools: CellTools;
}

/** The port matrix as it was dialled: from the host of the row to the host of the column. */
export function ChecksLinks({ nodes, links, running, isOnlyProblems, tools }: Props) {
  const [chosen, setChosen] = useState<{ key: string; button: HTMLElement } | null>(null);
  const [stop, setStop] = useState<string | null>(null);
  const pairs = toLinkPairs(links);
  const hasProblem = (fromId: string) =>
    [...pairs.values()].some((pair) => pair.fromId === fromId && pair.worst !== 'ok');
  const rows = nodes.filter(
    ({ id }) => links.some(({ fromId }) => fromId === id) && (!isOnlyProblems || hasProblem(id)),
  );
  const columns = nodes.filter(({ id }) => links.some(({ toId }) => toId === id));
  const keys = rows
    .flatMap((from) => columns.map((to) => toPairKey(from.id, to.id)))
    .filter((key) => pairs.has(key));
  const tabStop = stop !== null && keys.includes(stop) ? stop : (keys[0] ?? null);
  const pair = chosen ? pairs.get(chosen.key) : undefined;
  return (
    <section aria-label="Between hosts" className="flex min-w-0 flex-col gap-2">
      <h2>What each host reaches on the others</h2>
      <ChecksTable
        label="Ports from host to host"
        columns={columns.length}
        empty={rows.length === 0 ? 'Every host reaches what it needs.' : null}
      >
        <thead>
          <tr>
            <th
              scope="col"
              style={{ width: HEAD_WIDTH }}
              className="drawn-label sticky left-0 z-10 h-8 border-r border-b border-r-grid border-b-line bg-raised px-3 font-normal"
            >
              from ↓ to →
            </th>
            {columns.map((node) => (
              <th
                key={node.id}
                scope="col"
                className="h-8 truncate border-b border-line px-2 font-mono font-normal"
              >
                {node.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody onKeyDown={moveInTable}>
          {rows.map((from) => (
            <tr key={from.id} className="group">
              <th
                scope="row"
                className="sticky left-0 z-10 h-8 border-r border-b border-grid bg-raised px-3 font-mono font-normal group-hover:bg-grid"
              >
                {from.name}
              </th>
              {columns.map((to) => {
                const key = toPairKey(from.id, to.id);
                return (
                  <td key={to.id} className="border-b border-grid p-0">
                    <PairButton
                      pair={pairs.get(key)}
                      names={`from ${from.name} to ${to.name}`}
                      isSelf={from.id === to.id}
                      isRunning={isPairRunning(pairs.get(key), running)}
                      isChosen={chosen?.key === key}
                      isTabStop={key === tabStop}
                      onStop={() => setStop(key)}
                      onChoose={(button) => setChosen(button && { key, button })}
                    />
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </ChecksTable>
      <Popover
        anchor={pair && chosen ? chosen.button : null}
        label={pair ? `From ${nameOf(nodes, pair.fromId)} to ${nameOf(nodes, pair.toId)}` : ''}
        onClose={() => setChosen(null)}
      >
        {pair && (
          <PairDetail
            pair={pair}
            names={[nameOf(nodes, pair.fromId), nameOf(nodes, pair.toId)]}
            tools={tools}
            onDone={() => setChosen(null)}
          />
        )}
      </Popover>
    </section>
  );
}

/** True for a pair of which a part, but not everything, is being dialled: a whole preflight says so once, above. */
function isPairRunning(pair: LinkPair | undefined, running: PreflightScope | null): boolean {
  if (!pair || !running || (running.nodeIds === null && running.checkIds === null)) return false;
  return pair.links.some(({ checkId }) => isInScope(running, { nodeId: pair.fromId, checkId }));
}

interface PairButtonProps {
  readonly pair: LinkPair | undefined;
  readonly names: string;
  readonly isSelf: boolean;
  readonly isRunning: boolean;
  readonly isChosen: boolean;
  readonly isTabStop: boolean;
  readonly onStop: () => void;
  readonly onChoose: (button: HTMLElement | null) => void;
}

function PairButton({ pair, names, isSelf, isRunning, ...rest }: PairButtonProps) {
  if (!pair) {
    return <EmptyCell sign={isSelf ? '·' : '–'} words={isSelf ? 'itself' : 'needs nothing'} />;
  }
  const mark = CHECK_MARKS[isRunning ? 'waiting' : pair.worst];
  return <CheckButton mark={mark} turns names={names} words={pair.words} {...rest} />;
}

const LINK_WORDS: Readonly<Record<LinkCell['checkId'], string>> = {
  'reach-tcp': 'TCP ports',
  'reach-udp': 'UDP ports',
  'reach-ping': 'ping',
  'reach-vrrp': 'VRRP',
  'path-mtu': 'path MTU',
};

interface PairDetailProps {
  readonly pair: LinkPair;
  readonly names: readonly [from: string, to: string];
  readonly tools: CellTools;
  readonly onDone: () => void;
}

/** Every port of a pair with how its dial ended, those that failed first. */
function PairDetail({ pair, names: [from, to], tools, onDone }: PairDetailProps) {
  return (
    <div className="flex flex-col gap-3">
      <h3>
        From <span className="font-mono">{from}</span> to <span className="font-mono">{to}</span>
      </h3>
      {pair.links.map((link) => (
        <div key={link.checkId}>
          <div className="flex items-center justify-between gap-3">
            <h4 className="font-medium">{LINK_WORDS[link.checkId]}</h4>
            <StateMark {...CHECK_MARKS[toLinkMarkName(link)]} />
          </div>
          <p className="wrap-anywhere text-soft">{link.value}</p>
          {link.ports.length > 1 && <Ports ports={link.ports} />}
        </div>
      ))}
      <div className="border-t border-grid pt-3">
        <Button
          isCompact
          reason={tools.againReason}
          onClick={() => {
            tools.onAgain({ nodeIds: [pair.fromId], checkIds: pair.links.map(({ checkId }) => checkId) });
            onDone();
          }}
        >
          Dial again from {from}
        </Button>
      </div>
    </div>
  );
}

function Ports({ ports }: Pick<LinkCell, 'ports'>) {
  const sorted = [...ports].sort((a, b) => Number(isReached(a.state)) - Number(isReached(b.state)));
  return (
    <ul className="mt-1 grid grid-cols-2 gap-x-4 font-mono text-11">
      {sorted.map((port) => (
        <li
          key={`${port.ruleId} ${port.protocol} ${port.port ?? ''}`}
          className={cx(
            'flex justify-between gap-2',
            !isReached(port.state) && toneClass(CHECK_MARKS[toPortStatus(port)].ink),
          )}
        >
          <span>
            {port.protocol} {port.port ?? ''}
          </span>
          <span>{LINK_STATE_WORDS[port.state]}</span>
        </li>
      ))}
    </ul>
  );
}
