import { useMemo } from 'react';
import { CORNER_HEIGHT } from '@/lib/diagram/corners';
import type { Drawing } from '@/lib/diagram/drawing';
import { toBounds } from '@/lib/diagram/layout';
import { toDisplayList } from '@/lib/diagram/to-display-list';
import { cx } from '@/components/ui/cx';
import { DrawingTwin } from './drawing-twin';
import { Shapes } from './shapes';

const PAD = 28;
/** The window is never smaller than this, so that one lonely host is not blown up. */
const MIN_VIEW = { width: 380, height: 220 } as const;

interface Props {
  readonly drawing: Drawing;
  readonly className?: string;
}

/** The drawing as one picture that fits its box: what is drawn as large as it goes, the title block in its corner. */
export function StaticDrawing({ drawing, className }: Props) {
  const list = useMemo(() => toDisplayList(drawing), [drawing]);
  const isCorner = (kind: string) => kind === 'legend' || kind === 'title-block';
  const content = list.groups.filter((group) => !isCorner(group.kind));
  const bounds = toBounds(content);
  const width = Math.max(MIN_VIEW.width, bounds.width + PAD * 2);
  const height = Math.max(MIN_VIEW.height, bounds.height + PAD * 2);
  const left = bounds.x + bounds.width / 2 - width / 2;
  const top = bounds.y + bounds.height / 2 - height / 2;
  return (
    <figure className={cx('squared flex min-h-0 flex-col overflow-hidden border border-line', className)}>
      <svg
        aria-hidden
        viewBox={`${left} ${top} ${width} ${height}`}
        preserveAspectRatio="xMidYMid meet"
        className="min-h-0 w-full flex-1"
      >
        {content.map((group) => (
          <g key={group.id} transform={`translate(${group.x} ${group.y})`}>
            <Shapes shapes={group.shapes} />
          </g>
        ))}
      </svg>
      <div className="flex shrink-0 justify-end overflow-hidden p-2">
        {list.groups
          .filter((group) => group.kind === 'title-block')
          .map((group) => (
            <svg
              key={group.id}
              aria-hidden
              viewBox={`-1 -1 ${group.width + 2} ${CORNER_HEIGHT + 2}`}
              className="w-full max-w-[326px]"
            >
              <Shapes shapes={group.shapes} />
            </svg>
          ))}
      </div>
      <DrawingTwin list={list} />
    </figure>
  );
}
