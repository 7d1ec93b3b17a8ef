'use client';
import dynamic from 'next/dynamic';
import { useMemo } from 'react';
import type { Drawing } from '@/lib/diagram/drawing';
import { toDisplayList } from '@/lib/diagram/to-display-list';
import { cx } from '@/components/ui/cx';
import { DrawingTwin } from './drawing-twin';

const FlowCanvas = dynamic(() => import('./flow-canvas').then((module) => module.FlowCanvas), {
  ssr: false,
  loading: () => <p className="drawn-label p-3">opening the drawing</p>,
});

interface Props {
  readonly drawing: Drawing;
  readonly selectedId: string | null;
  readonly onSelect: (id: string | null) => void;
  readonly className?: string;
}

/** The drawing to look around in, with its list twin; the canvas is loaded when it is first shown. */
export function LiveDrawing({ drawing, selectedId, onSelect, className }: Props) {
  const list = useMemo(() => toDisplayList(drawing), [drawing]);
  return (
    <figure className={cx('relative min-h-0 border border-line bg-paper', className)}>
      <FlowCanvas list={list} selectedId={selectedId} onSelect={onSelect} />
      <DrawingTwin list={list} />
    </figure>
  );
}
