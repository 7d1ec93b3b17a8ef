import type { Group, PathShape, TextShape } from './display-list';
import { toMonoWidth } from './display-list';
import type { Drawing, DrawnNode } from './drawing';
import type { Box, Layout } from './layout';

type Point = readonly [number, number];
const RADIUS = 4;

interface Wire {
  readonly id: string;
  readonly ends: { readonly from: string; readonly to: string };
  readonly stroke: 'solid' | 'double';
  readonly points: readonly Point[];
  readonly label: string;
  readonly text: string;
  readonly textAt: Point;
}

/**
 * Who reaches whom, in its simplest form: clients and agents go to the fixed address or the first server, load
 * balancers pass on to every server, servers keep etcd in step. Control plane solid, etcd double, orthogonal.
 */
export function toLines(drawing: Drawing, layout: Layout): Group[] {
  const of = (role: DrawnNode['role']) => drawing.nodes.filter((node) => node.role === role);
  const [lbs, servers, agents] = [of('lb'), of('server'), of('agent')];
  const box = (id: string) => layout.get(id);
  const name = (id: string) => drawing.nodes.find((node) => node.id === id)?.name ?? id;
  const heads =
    servers.length > 0 ? servers.map((node) => node.id) : drawing.nodes.length === 0 ? ['placeholder'] : [];
  const front = lbs.length > 0 ? lbs.map((node) => node.id) : heads;
  const isBare = !drawing.entry && lbs.length === 0;
  const wires: (Wire | null)[] = [
    ...(drawing.entry
      ? [
          down('clients', 'entry', box, 'clients to the fixed address, TCP 6443', 'tcp 6443'),
          ...front.map((id) => down('entry', id, box, `fixed address to ${name(id)}, TCP 6443 and 9345`, '')),
        ]
      : (isBare ? heads.slice(0, 1) : front).map((id) =>
          down('clients', id, box, `clients to ${name(id)}, TCP 6443`, 'tcp 6443'),
        )),
    ...lbs.flatMap((lb) =>
      heads.map((id) => down(lb.id, id, box, `${lb.name} to ${name(id)}, TCP 6443 and 9345`, '')),
    ),
    ...servers.slice(1).map((server, index) => etcd(servers[index], server, layout)),
    ...(servers[0] ? agents.map((agent) => join(agent, servers[0], layout)) : []),
  ];
  return wires.filter((wire) => wire !== null).map(toGroup);
}

function down(
  from: string,
  to: string,
  box: (id: string) => Box | undefined,
  label: string,
  text: string,
): Wire | null {
  const [a, b] = [box(from), box(to)];
  if (!a || !b) return null;
  const points = toElbow(a, b);
  return {
    id: `line-${from}-${to}`,
    ends: { from, to },
    stroke: 'solid',
    points,
    label,
    text,
    textAt: toMiddle(points),
  };
}

/** Agents register at the first server where there is no fixed address; the picture shows it as one bus of lines. */
function join(agent: DrawnNode, server: DrawnNode | undefined, layout: Layout): Wire | null {
  const [a, b] = [server && layout.get(server.id), layout.get(agent.id)];
  if (!a || !b || !server) return null;
  const points = toElbow(a, b);
  const label = `${agent.name} joins through ${server.name}, TCP 9345`;
  const ends = { from: server.id, to: agent.id };
  return {
    id: `line-${server.id}-${agent.id}`,
    ends,
    stroke: 'solid',
    points,
    label,
    text: '',
    textAt: toMiddle(points),
  };
}

function etcd(left: DrawnNode | undefined, right: DrawnNode, layout: Layout): Wire | null {
  const [a, b] = [left && layout.get(left.id), layout.get(right.id)];
  if (!a || !b || !left || a.y !== b.y) return null;
  const y = a.y + a.height / 2;
  const points: Point[] = [
    [a.x + a.width, y],
    [b.x, b.y + b.height / 2],
  ];
  const label = `etcd between ${left.name} and ${right.name}, TCP 2379 and 2380`;
  const ends = { from: left.id, to: right.id };
  return {
    id: `etcd-${left.id}-${right.id}`,
    ends,
    stroke: 'double',
    points,
    label,
    text: '',
    textAt: toMiddle(points),
  };
}

/** From the bottom of one box to the top of another by one level in between. */
function toElbow(a: Box, b: Box): Point[] {
  const [startX, endX] = [a.x + a.width / 2, b.x + b.width / 2];
  const [startY, endY] = [a.y + a.height, b.y];
  const level = Math.round(endY - Math.min(34, Math.abs(endY - startY) / 2));
  if (startX === endX)
    return [
      [startX, startY],
      [endX, endY],
    ];
  return [
    [startX, startY],
    [startX, level],
    [endX, level],
    [endX, endY],
  ];
}

function toMiddle(points: readonly Point[]): Point {
  const [from = [0, 0], to = [0, 0]] = points;
  return [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
}

function toGroup(wire: Wire): Group {
  const xs = wire.points.map(([x]) => x);
  const ys = wire.points.map(([, y]) => y);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  const local = wire.points.map(([px, py]): Point => [px - x, py - y]);
  const d = toOrthogonalPath(local, RADIUS);
  const shapes: (PathShape | TextShape)[] =
    wire.stroke === 'double'
      ? [
          { kind: 'path', d, stroke: 'ink-soft', strokeWidth: 4 },
          { kind: 'path', d, stroke: 'paper', strokeWidth: 2 },
        ]
      : [{ kind: 'path', d, stroke: 'line', strokeWidth: 1.25 }];
  if (wire.text) {
    const [tx, ty] = [wire.textAt[0] - x, wire.textAt[1] - y];
    shapes.push({
      kind: 'text',
      x: Math.round(tx + 8),
      y: Math.round(ty + 4),
      text: wire.text,
      size: 11,
      font: 'mono',
      ink: 'ink-soft',
      halo: true,
    });
  }
  const width = Math.max(...xs) - x + (wire.text ? toMonoWidth(wire.text, 11) : 0);
  const height = Math.max(...ys) - y;
  return { id: wire.id, kind: 'line', x, y, width, height, label: wire.label, shapes, ends: wire.ends };
}

/** An orthogonal polyline as path data, its corners rounded. */
export function toOrthogonalPath(points: readonly Point[], radius: number): string {
  const [first, ...rest] = points;
  if (!first) return '';
  return rest.reduce((d, [x, y], index) => {
    const next = rest[index + 1];
    if (!next) return `${d}L${x} ${y}`;
    const [beforeX, beforeY] = index === 0 ? first : (rest[index - 1] ?? first);
    const inwards = toward([x, y], [beforeX, beforeY], radius);
    const outwards = toward([x, y], next, radius);
    return `${d}L${inwards[0]} ${inwards[1]}Q${x} ${y} ${outwards[0]} ${outwards[1]}`;
  }, `M${first[0]} ${first[1]}`);
}

/** The point `distance` from `from` on the way to `to`, never beyond its middle. */
function toward(from: Point, to: Point, distance: number): Point {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy);
  const share = length === 0 ? 0 : Math.min(distance, length / 2) / length;
  return [from[0] + dx * share, from[1] + dy * share];
}
