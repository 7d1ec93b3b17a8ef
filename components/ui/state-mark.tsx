import { STATE_SHAPES } from '@/lib/core/state-shape';
import type { StateInk, StateMark as Mark } from '@/lib/core/state-mark';
import { cx } from './cx';

const TEXT: Readonly<Record<StateInk, string>> = {
  healthy: 'text-healthy',
  degraded: 'text-degraded',
  down: 'text-down',
  stale: 'text-stale',
  provisioning: 'text-provisioning',
  ink: 'text-ink',
  'ink-soft': 'text-soft',
};

/** Text colour of a tone. */
export function toneClass(ink: StateInk): string {
  return TEXT[ink];
}

interface GlyphProps extends Pick<Mark, 'shape' | 'ink' | 'turns'> {
  readonly className?: string;
}

/** The shape of a state, without its word: only where the word stands beside it or in an accessible name. */
export function StateGlyph({ shape, ink, turns, className }: GlyphProps) {
  return (
    <svg aria-hidden viewBox="0 0 12 12" className={cx('size-3 shrink-0', TEXT[ink], className)}>
      <g className={turns ? 'animate-turn' : undefined}>
        {STATE_SHAPES[shape].map((part) => (
          <path
            key={part.d}
            d={part.d}
            fillRule="evenodd"
            fill={part.paint === 'fill' ? 'currentColor' : 'none'}
            stroke={part.paint === 'stroke' ? 'currentColor' : undefined}
            strokeWidth={part.paint === 'stroke' ? 1.5 : undefined}
            strokeDasharray={part.dash}
          />
        ))}
      </g>
    </svg>
  );
}

/** Colour, shape and word of a state, always together. */
export function StateMark({ shape, ink, turns, word, className }: GlyphProps & { readonly word: string }) {
  return (
    <span className={cx('inline-flex items-center gap-1.5 whitespace-nowrap', TEXT[ink], className)}>
      <StateGlyph shape={shape} ink={ink} {...(turns && { turns })} />
      {word}
    </span>
  );
}

/** A small framed word without state: a role, a kind. */
export function Badge({
  children,
  className,
}: {
  readonly children: React.ReactNode;
  readonly className?: string;
}) {
  return (
    <span className={cx('drawn-label inline-block rounded-2 border border-line px-1 text-ink', className)}>
      {children}
    </span>
  );
}
