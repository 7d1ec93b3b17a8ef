import { parseOklch, toHex } from '@/lib/core/oklch';
import type { DisplayList, Group, Shape } from './display-list';
import { THEMES } from './ink';
import type { Ink, Theme } from './ink';

const FONTS = { mono: "'IBM Plex Mono',monospace", sans: "'IBM Plex Sans',sans-serif" } as const;
const GRID_STEP = 24;

/** A display list as a complete SVG document, colours as hex so that every program can draw it. */
export function toSvg(list: DisplayList, theme: Theme): string {
  const colour = (ink: Ink) => toHex(parseOklch(THEMES[theme][ink]));
  const { width, height } = list;
  const grid = `<pattern id="grid" width="${GRID_STEP}" height="${GRID_STEP}" patternUnits="userSpaceOnUse"><path d="M${GRID_STEP} 0H0V${GRID_STEP}" fill="none" stroke="${colour('grid')}"/></pattern>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escapeXml(list.title)}</title><defs>${grid}</defs>`,
    `<rect width="${width}" height="${height}" fill="${colour('paper')}"/><rect width="${width}" height="${height}" fill="url(#grid)"/>`,
    ...list.groups.map((group) => toGroupSvg(group, colour)),
    '</svg>',
  ].join('\n');
}

function toGroupSvg(group: Group, colour: (ink: Ink) => string): string {
  const id = escapeXml(group.id);
  const shapes = group.shapes.map((shape) => toShapeSvg(shape, colour)).join('');
  return `<g data-id="${id}" data-kind="${group.kind}" transform="translate(${group.x} ${group.y})"><title>${escapeXml(group.label)}</title>${shapes}</g>`;
}

function toShapeSvg(shape: Shape, colour: (ink: Ink) => string): string {
  if (shape.kind === 'text') {
    const { x, y, size, font, anchor, weight } = shape;
    const more = [
      anchor && ` text-anchor="${anchor}"`,
      weight && ` font-weight="${weight}"`,
      shape.halo && ` stroke="${colour('paper')}" stroke-width="4" paint-order="stroke"`,
    ];
    return `<text x="${x}" y="${y}" font-size="${size}" font-family="${FONTS[font]}" fill="${colour(shape.ink)}"${more.filter(Boolean).join('')}>${escapeXml(shape.text)}</text>`;
  }
  const paint = [
    ` fill="${shape.fill ? colour(shape.fill) : 'none'}"`,
    shape.stroke && ` stroke="${colour(shape.stroke)}"`,
    shape.stroke && shape.strokeWidth !== undefined && ` stroke-width="${shape.strokeWidth}"`,
    shape.dash && ` stroke-dasharray="${shape.dash}"`,
  ]
    .filter(Boolean)
    .join('');
  if (shape.kind === 'rect') {
    return `<rect x="${shape.x}" y="${shape.y}" width="${shape.width}" height="${shape.height}"${paint}/>`;
  }
  const moved = shape.x !== undefined || shape.y !== undefined;
  const place = moved ? ` transform="translate(${shape.x ?? 0} ${shape.y ?? 0})"` : '';
  return `<path d="${shape.d}" fill-rule="evenodd"${paint}${place}/>`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text of hosts and people made safe for XML: the five special characters, and none that XML cannot hold. */
function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}
