import type { Shape } from '@/lib/diagram/display-list';
import type { Ink } from '@/lib/diagram/ink';

const FONTS = { mono: 'font-mono', sans: 'font-sans' } as const;

function toColour(ink: Ink): string {
  return `var(--${ink})`;
}

/** Shapes of a group as SVG elements, in the colours of the page's theme. */
export function Shapes({ shapes }: { readonly shapes: readonly Shape[] }) {
  return shapes.map((shape, index) => <ShapeElement key={index} shape={shape} />);
}

function ShapeElement({ shape }: { readonly shape: Shape }) {
  if (shape.kind === 'text') {
    return (
      <text
        x={shape.x}
        y={shape.y}
        fontSize={shape.size}
        className={FONTS[shape.font]}
        fill={toColour(shape.ink)}
        textAnchor={shape.anchor}
        fontWeight={shape.weight}
        {...(shape.halo && { stroke: toColour('paper'), strokeWidth: 4, paintOrder: 'stroke' })}
      >
        {shape.text}
      </text>
    );
  }
  const paint = {
    fill: shape.fill ? toColour(shape.fill) : 'none',
    ...(shape.stroke && { stroke: toColour(shape.stroke) }),
    ...(shape.stroke && shape.strokeWidth !== undefined && { strokeWidth: shape.strokeWidth }),
    ...(shape.dash !== undefined && { strokeDasharray: shape.dash }),
  };
  if (shape.kind === 'rect') {
    return <rect x={shape.x} y={shape.y} width={shape.width} height={shape.height} {...paint} />;
  }
  const moved = shape.x !== undefined || shape.y !== undefined;
  return (
    <path
      d={shape.d}
      fillRule="evenodd"
      className={shape.turns ? 'animate-turn' : undefined}
      {...paint}
      {...(moved && { transform: `translate(${shape.x ?? 0} ${shape.y ?? 0})` })}
    />
  );
}
