import type { StateMark } from '@/lib/core/state-mark';
import { toCount } from '@/lib/core/text';
import { CORNER_HEIGHT, LEGEND_WIDTH, TITLE_BLOCK_WIDTH, toLegend, toTitleBlock } from './corners';
import type { DisplayList, Group } from './display-list';
import type { Drawing } from './drawing';
import { toFrames } from './frames';
import { layOut, SHEET_MARGIN, toBounds } from './layout';
import type { Box } from './layout';
import { toLines } from './lines';
import { toPlaceholder, toPlate } from './plate';

/** The five verdicts as the legend shows them. */
export const LEGEND_STATES: readonly StateMark[] = [
  { ink: 'healthy', shape: 'circle', word: 'healthy' },
  { ink: 'degraded', shape: 'triangle', word: 'degraded' },
  { ink: 'down', shape: 'square-bar', word: 'down' },
  { ink: 'stale', shape: 'dashed-ring', word: 'no data' },
  { ink: 'provisioning', shape: 'half-circle', word: 'provisioning' },
];

/** The picture of a drawing. Pure and deterministic: equal drawings give equal lists. */
export function toDisplayList(drawing: Drawing): DisplayList {
  const layout = layOut(drawing);
  const plates = drawing.nodes.flatMap((node) => {
    const box = layout.get(node.id);
    return box ? [toPlate(node, box)] : [];
  });
  const placeholder = layout.get('placeholder');
  const content: Group[] = [
    ...toFrames(drawing, layout),
    ...toLines(drawing, layout),
    ...toNotes(drawing, layout),
    ...(placeholder ? [toPlaceholder(placeholder)] : []),
    ...plates,
  ];
  const bounds = toBounds(content);
  const inner = Math.max(bounds.x + bounds.width - SHEET_MARGIN, LEGEND_WIDTH + TITLE_BLOCK_WIDTH + 24);
  const cornerY = bounds.y + bounds.height + SHEET_MARGIN;
  const width = inner + SHEET_MARGIN * 2;
  return {
    width,
    height: cornerY + CORNER_HEIGHT + SHEET_MARGIN,
    title: `${drawing.titleBlock.site || 'Unnamed site'}: ${toCount(drawing.nodes.length, 'node')}`,
    groups: [
      ...content,
      toLegend(drawing, LEGEND_STATES, SHEET_MARGIN, cornerY),
      toTitleBlock(drawing.titleBlock, width - SHEET_MARGIN - TITLE_BLOCK_WIDTH, cornerY),
    ],
  };
}

/** What is no node: the clients, and the fixed address as a flag. */
function toNotes(drawing: Drawing, layout: ReadonlyMap<string, Box>): Group[] {
  const notes: Group[] = [];
  const clients = layout.get('clients');
  if (clients)
    notes.push(toNote('clients', 'clients', 'Clients of the API: kubectl, controllers, people', clients));
  const entry = layout.get('entry');
  if (entry && drawing.entry) {
    const { kind, label } = drawing.entry;
    notes.push(
      toNote('entry', `${kind} ${label}`.trim(), `Fixed address, ${kind} ${label || 'not set'}`, entry),
    );
  }
  return notes;
}

function toNote(id: string, text: string, label: string, box: Box): Group {
  return {
    id,
    kind: 'note',
    ...box,
    label,
    shapes: [
      {
        kind: 'path',
        // The fixed address flies as a flag from its pole.
        d: `M0 0H${box.width}V${box.height}H0Z${id === 'entry' ? `M0 0V${box.height + 10}` : ''}`,
        stroke: 'line',
        fill: 'paper',
      },
      {
        kind: 'text',
        x: box.width / 2,
        y: box.height / 2 + 4,
        text,
        size: 13,
        font: 'mono',
        ink: 'ink',
        anchor: 'middle',
      },
    ],
  };
}
