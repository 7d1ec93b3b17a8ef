import type { Role } from '@/lib/topology/topology';
import type { Drawing, DrawnNode } from './drawing';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Fixed size per role, drawing units. */
export const PLATE_SIZES: Readonly<Record<Role, { readonly width: number; readonly height: number }>> = {
  server: { width: 208, height: 96 },
  agent: { width: 208, height: 88 },
  lb: { width: 208, height: 88 },
};
export const NOTE_SIZE = { width: 152, height: 36 } as const;
export const SHEET_MARGIN = 48;
const COLUMN_GAP = 32;
const ROW_GAP = 68;
const WRAP_GAP = 28;
const MAX_COLUMNS = 6;
/** Where the first row would stand with no node at all, so that an empty drawing has its middle too. */
const MIN_WIDTH = 640;

/** Boxes of everything that has a place: node ids, and `clients`, `entry`, `placeholder` for what is no node. */
export type Layout = ReadonlyMap<string, Box>;

interface Item {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

/**
 * Top to bottom: clients, the fixed address and load balancers, servers, agents; rows of at most six, zone by zone,
 * centred. Deterministic: the same drawing gives the same boxes. A node with a position of its own stands there.
 */
export function layOut(drawing: Drawing): Layout {
  const rows = toRows(drawing);
  const width = Math.max(MIN_WIDTH, ...rows.map((row) => toRowWidth(row.items)));
  const boxes = new Map<string, Box>();
  let y = SHEET_MARGIN;
  for (const row of rows) {
    let x = SHEET_MARGIN + Math.round((width - toRowWidth(row.items)) / 2);
    for (const item of row.items) {
      boxes.set(item.id, { x, y, width: item.width, height: item.height });
      x += item.width + COLUMN_GAP;
    }
    y += Math.max(0, ...row.items.map((item) => item.height)) + row.gapAfter;
  }
  for (const node of drawing.nodes) {
    if (node.position) boxes.set(node.id, { ...node.position, ...PLATE_SIZES[node.role] });
  }
  return boxes;
}

function toRows(drawing: Drawing): { items: Item[]; gapAfter: number }[] {
  const rows: { items: Item[]; gapAfter: number }[] = [];
  const add = (items: readonly Item[]) => {
    for (let start = 0; start < items.length; start += MAX_COLUMNS) {
      const isLast = start + MAX_COLUMNS >= items.length;
      rows.push({ items: items.slice(start, start + MAX_COLUMNS), gapAfter: isLast ? ROW_GAP : WRAP_GAP });
    }
  };
  add([{ id: 'clients', ...NOTE_SIZE }]);
  if (drawing.entry) add([{ id: 'entry', ...NOTE_SIZE }]);
  if (drawing.nodes.length === 0) add([{ id: 'placeholder', ...PLATE_SIZES.server }]);
  for (const role of ['lb', 'server', 'agent'] as const) add(toItems(drawing.nodes, role));
  return rows;
}

/** Nodes of one role, zone by zone in the order in which zones first appear, so that frames stay whole. */
function toItems(nodes: readonly DrawnNode[], role: Role): Item[] {
  const ofRole = nodes.filter((node) => node.role === role);
  const zones = [...new Set(nodes.map((node) => node.zone))];
  return zones.flatMap((zone) =>
    ofRole.filter((node) => node.zone === zone).map((node) => ({ id: node.id, ...PLATE_SIZES[role] })),
  );
}

function toRowWidth(items: readonly Item[]): number {
  return items.reduce((sum, item) => sum + item.width, 0) + Math.max(0, items.length - 1) * COLUMN_GAP;
}

/** The smallest box around others; a box of no size at the origin for none. */
export function toBounds(boxes: readonly Box[]): Box {
  if (boxes.length === 0) return { x: 0, y: 0, width: 0, height: 0 };
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  return {
    x,
    y,
    width: Math.max(...boxes.map((box) => box.x + box.width)) - x,
    height: Math.max(...boxes.map((box) => box.y + box.height)) - y,
  };
}
