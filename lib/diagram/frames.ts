import { toMonoWidth } from './display-list';
import type { Group } from './display-list';
import type { Drawing } from './drawing';
import { toBounds } from './layout';
import type { Box, Layout } from './layout';

/** Frames with a label on the line, like rooms on a plan: the nodes' network, zones, the overlay (dashed). */
export function toFrames(drawing: Drawing, layout: Layout): Group[] {
  const boxOf = (id: string) => layout.get(id);
  const all = drawing.nodes.map((node) => boxOf(node.id)).filter((box) => box !== undefined);
  if (all.length === 0) return [];
  const frames: Group[] = [];
  if (drawing.hasOverlay) frames.push(toFrame('overlay', 'overlay tailscale', toBounds(all), 36, true));
  if (drawing.nodeCidr)
    frames.push(toFrame('network', `network ${drawing.nodeCidr}`, toBounds(all), 24, false));
  for (const zone of [...new Set(drawing.nodes.map((node) => node.zone))].filter(Boolean)) {
    for (const role of ['lb', 'server', 'agent'] as const) {
      const boxes = drawing.nodes
        .filter((node) => node.zone === zone && node.role === role)
        .map((node) => boxOf(node.id))
        .filter((box) => box !== undefined);
      if (boxes.length > 0)
        frames.push(toFrame(`zone-${zone}-${role}`, `zone ${zone}`, toBounds(boxes), 12, false));
    }
  }
  return frames;
}

function toFrame(id: string, label: string, around: Box, pad: number, isDashed: boolean): Group {
  const box = {
    x: around.x - pad,
    y: around.y - pad,
    width: around.width + pad * 2,
    height: around.height + pad * 2,
  };
  const labelWidth = Math.round(toMonoWidth(label, 11)) + 12;
  return {
    id,
    kind: 'zone',
    ...box,
    label,
    shapes: [
      {
        kind: 'rect',
        x: 0,
        y: 0,
        width: box.width,
        height: box.height,
        stroke: 'line',
        ...(isDashed && { dash: '6 4' }),
      },
      { kind: 'rect', x: 12, y: -7, width: labelWidth, height: 14, fill: 'paper' },
      { kind: 'text', x: 18, y: 4, text: label, size: 11, font: 'mono', ink: 'ink-soft' },
    ],
  };
}
