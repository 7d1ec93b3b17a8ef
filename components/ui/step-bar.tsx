import type { ReactNode } from 'react';
import { cx } from './cx';

export interface StepItem {
  readonly key: string;
  readonly label: string;
  readonly state: 'done' | 'current' | 'open' | 'closed';
  readonly content: (className: string) => ReactNode;
}

/** Named steps across the top; the caller renders each as a link or as text. */
export function StepBar({ label, steps }: { readonly label: string; readonly steps: readonly StepItem[] }) {
  return (
    <nav aria-label={label}>
      <ol className="flex border-b border-line">
        {steps.map((step, index) => (
          <li
            key={step.key}
            aria-current={step.state === 'current' ? 'step' : undefined}
            className={cx('min-w-0 flex-1', step.state === 'current' && 'max-sm:flex-auto')}
          >
            {step.content(
              cx(
                'flex h-10 items-center gap-2 border-b-2 px-3 max-sm:px-2',
                step.state === 'current' ? 'border-accent font-medium' : 'border-transparent',
                step.state === 'closed' ? 'text-soft' : 'text-ink',
              ),
            )}
            <span className="sr-only">
              step {index + 1} of {steps.length}
            </span>
          </li>
        ))}
      </ol>
    </nav>
  );
}
