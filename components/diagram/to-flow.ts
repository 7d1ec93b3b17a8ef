import type { Edge, Node } from 'reactflow';
import { Position } from 'reactflow';
import type { DisplayList, Group } from '@/lib/diagram/display-list';

export type GroupNode = Node<{ readonly group: Group }, 'drawn'>;
export type GroupEdge = Edge<{ readonly group: Group }, 'line'>;

export interface Flow {
  readonly nodes: GroupNode[];
  readonly edges: GroupEdge[];
  /** Groups that stand in the corners of the window, whatever is in view. */
  readonly corners: readonly Group[];
}

/** React Flow's view of a display list: plates, notes and frames are nodes, lines are edges with their own path. */
export function toFlow(list: DisplayList): Flow {
  return {
    nodes: list.groups.filter((group) => ['zone', 'plate', 'note'].includes(group.kind)).map(toNode),
    edges: list.groups.flatMap(toEdge),
    corners: list.groups.filter((group) => group.kind === 'legend' || group.kind === 'title-block'),
  };
}

function toNode(group: Group): GroupNode {
  const isPlate = group.kind === 'plate';
  const at = { x: group.width / 2, y: group.height / 2, width: 1, height: 1 };
  return {
    id: group.id,
    type: 'drawn', // React Flow's own styles draw a border around its type `group`
    position: { x: group.x, y: group.y },
    width: group.width,
    height: group.height,
    // Sizes are known, so nothing has to be measured in the page before the drawing can be fitted.
    measured: { width: group.width, height: group.height },
    data: { group },
    draggable: false,
    connectable: false,
    deletable: false,
    selectable: isPlate,
    focusable: isPlate,
    ...(isPlate && { ariaLabel: group.label }),
    // Also for plates that cannot be focused: a label needs a role.
    ariaRole: 'group',
    zIndex: group.kind === 'zone' ? -1 : 0,
    handles: [
      { type: 'source', position: Position.Bottom, ...at },
      { type: 'target', position: Position.Top, ...at },
    ],
  };
}

function toEdge(group: Group): GroupEdge[] {
  if (group.kind !== 'line' || !group.ends) return [];
  return [
    {
      id: group.id,
      type: 'line',
      source: group.ends.from,
      target: group.ends.to,
      data: { group },
      selectable: false,
      focusable: false,
      ariaLabel: group.label,
    },
  ];
}
