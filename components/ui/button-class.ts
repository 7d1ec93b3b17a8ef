import { cx } from './cx';

export type ButtonLook = 'primary' | 'plain' | 'quiet' | 'danger';

const LOOKS: Readonly<Record<ButtonLook, string>> = {
  primary: 'border-accent bg-accent text-paper font-medium hover:bg-accent/90',
  plain: 'border-line bg-raised text-ink hover:border-ink',
  quiet: 'border-transparent text-ink hover:bg-grid',
  danger: 'border-down text-down bg-raised font-medium hover:bg-down/10',
};

interface Options {
  readonly look?: ButtonLook | undefined;
  readonly isCompact?: boolean | undefined;
  readonly className?: string | undefined;
}

/** Classes of a button, for buttons and for links that look like one. */
export function buttonClass({ look = 'plain', isCompact, className }: Options = {}): string {
  return cx(
    'inline-flex items-center justify-center gap-2 rounded-2 border whitespace-nowrap select-none',
    'aria-disabled:cursor-not-allowed aria-disabled:opacity-60',
    isCompact ? 'h-7 px-2' : 'h-8 px-3',
    LOOKS[look],
    className,
  );
}
