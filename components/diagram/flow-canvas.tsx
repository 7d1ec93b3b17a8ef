'use client';
import 'reactflow/dist/base.css';
import {
  Background,
  BackgroundVariant,
  Panel,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
} from 'reactflow';
import type { EdgeProps, EdgeTypes, FitViewOptions, NodeProps, NodeTypes } from 'reactflow';
import { useEffect, useMemo } from 'react';
import { CORNER_HEIGHT } from '@/lib/diagram/corners';
import type { DisplayList, Group } from '@/lib/diagram/display-list';
import { Button } from '@/components/ui/button';
import { cx } from '@/components/ui/cx';
import { Shapes } from './shapes';
import { toFlow } from './to-flow';
import type { GroupEdge, GroupNode } from './to-flow';

const FIT: FitViewOptions = {
  padding: { top: '24px', left: '24px', right: '24px', bottom: `${CORNER_HEIGHT + 40}px` },
  maxZoom: 1,
};
const NODE_TYPES: NodeTypes = { drawn: GroupElement };
const EDGE_TYPES: EdgeTypes = { line: LineElement };

interface Props {
  readonly list: DisplayList;
  readonly selectedId: string | null;
  readonly onSelect: (id: string | null) => void;
}

/** The drawing to move about in: pan, zoom, fit, choose a plate. */
export function FlowCanvas(props: Props) {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  );
}

function Canvas({ list, selectedId, onSelect }: Props) {
  const flow = useMemo(() => toFlow(list), [list]);
  const nodes = useMemo(
    () => flow.nodes.map((node) => ({ ...node, selected: node.id === selectedId })),
    [flow, selectedId],
  );
  useFitOnResize();
  return (
    <ReactFlow
      nodes={nodes}
      edges={flow.edges}
      nodeTypes={NODE_TYPES}
      edgeTypes={EDGE_TYPES}
      fitView
      fitViewOptions={FIT}
      minZoom={0.1}
      maxZoom={2}
      nodesDraggable={false}
      nodesConnectable={false}
      deleteKeyCode={null}
      aria-label={`Drawing of ${list.title}`}
      onNodeClick={(_event, node) => onSelect(node.data.group.kind === 'plate' ? node.id : null)}
      onPaneClick={() => onSelect(null)}
      onSelectionChange={({ nodes: [chosen] }) => chosen && chosen.id !== selectedId && onSelect(chosen.id)}
      proOptions={{ hideAttribution: true }}
    >
      <Background variant={BackgroundVariant.Lines} gap={24} color="var(--squares)" />
      {flow.corners.map((group) => (
        <Panel key={group.id} position={group.kind === 'legend' ? 'bottom-left' : 'bottom-right'}>
          <GroupPicture group={group} />
        </Panel>
      ))}
      <Panel position="top-right">
        <ZoomButtons />
      </Panel>
    </ReactFlow>
  );
}

/** Puts the drawing in its frame again when the window or a panel beside it changes the frame. */
function useFitOnResize(): void {
  const { fitView } = useReactFlow();
  const size = useStore((state) => `${state.width}x${state.height}`);
  useEffect(() => {
    void fitView(FIT);
  }, [size, fitView]);
}

function ZoomButtons() {
  const flow = useReactFlow();
  return (
    <div role="group" aria-label="Zoom" className="flex bg-paper">
      <Button isCompact aria-label="Zoom out" onClick={() => void flow.zoomOut()}>
        −
      </Button>
      <Button isCompact className="border-x-0" onClick={() => void flow.fitView(FIT)}>
        Fit
      </Button>
      <Button isCompact aria-label="Zoom in" onClick={() => void flow.zoomIn()}>
        +
      </Button>
    </div>
  );
}

function GroupElement({ data, selected }: NodeProps<GroupNode>) {
  const isFrame = data.group.kind === 'zone';
  return (
    <div
      className={cx(
        isFrame && 'pointer-events-none',
        selected && 'outline-2 outline-offset-4 outline-accent',
      )}
    >
      <GroupPicture group={data.group} />
    </div>
  );
}

/** One group as a picture of its own size. */
export function GroupPicture({ group }: { readonly group: Group }) {
  return (
    <svg aria-hidden width={group.width} height={group.height} className="block overflow-visible">
      <Shapes shapes={group.shapes} />
    </svg>
  );
}

function LineElement({ data }: EdgeProps<GroupEdge>) {
  if (!data) return null;
  return (
    <g transform={`translate(${data.group.x} ${data.group.y})`}>
      <Shapes shapes={data.group.shapes} />
    </g>
  );
}
