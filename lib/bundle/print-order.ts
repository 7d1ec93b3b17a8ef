import { toSafeLine } from '@/lib/core/text';
import type { TopologyNode } from '@/lib/topology/topology';
import { toRange } from './node-scripts';
import type { Turn } from './to-turns';

/** A turn with the names that people know it by. */
export interface NamedTurn {
  readonly turn: Turn;
  readonly node: TopologyNode;
  /** The node's folder below the bundle's own. */
  readonly folder: string;
  /** Whether the node has more turns than this one. */
  readonly isPart: boolean;
}

/** `sh nodes/s1/run-all.sh`, with the numbers of its steps where the node has several turns. */
export function toRunLine({ turn, folder, isPart }: NamedTurn): string {
  return `sh ${folder}/run-all.sh${isPart ? ` ${toRange(turn)}` : ''}`;
}

/** Which host's turn comes when: one line a turn, columns split by tabs, so that people and programs can read it. */
export function printOrder(turns: readonly NamedTurn[]): string {
  const lines = turns.map((named) => {
    const { number, steps, after } = named.turn;
    const restarts = [...new Set(steps.flatMap(({ step }) => step.restarts))];
    const columns = [
      String(number),
      named.node.name,
      named.node.internalIp,
      after.join(',') || '-',
      restarts.join(',') || '-',
      toRunLine(named),
    ];
    return `${columns.map((column) => toSafeLine(column)).join('\t')}\n`;
  });
  return `# A turn may begin when the turns in "after" have ended well; turns that do not wait for each other may run side by side.
# From top to bottom, one after the other, is always right. Columns are split by tabs.
# turn\thost\taddress\tafter\trestarts or starts\tcommand on that host, as root, in the bundle's folder
${lines.join('')}`;
}
