import { useMemo } from 'react';
import type { Drawing } from '@/lib/diagram/drawing';
import { toDisplayList } from '@/lib/diagram/to-display-list';
import { cx } from '@/components/ui/cx';
import { DrawingTwin } from './drawing-twin';
import { Shapes } from './shapes';

interface Props {
  readonly drawing: Drawing;
  readonly className?: string;
}

/** The drawing as one picture that fits its box: beside the wizard, and until the canvas is loaded. */
export function StaticDrawing({ drawing, className }: Props) {
  const list = useMemo(() => toDisplayList(drawing), [drawing]);
  return (
    <figure className={cx('squared relative min-h-0 overflow-hidden border border-line', className)}>
      <svg
        aria-hidden
        viewBox={`0 0 ${list.width} ${list.height}`}
        preserveAspectRatio="xMidYMid meet"
        className="absolute inset-0 size-full"
      >
        {list.groups.map((group) => (
          <g key={group.id} transform={`translate(${group.x} ${group.y})`}>
            <Shapes shapes={group.shapes} />
          </g>
        ))}
      </svg>
      <DrawingTwin list={list} />
    </figure>
  );
}
