import { cx } from './cx';

/** A text as it stands in a file. */
export function CodeView({ text, className }: { readonly text: string; readonly className?: string }) {
  return (
    <pre
      tabIndex={0}
      className={cx(
        'overflow-auto border border-grid bg-paper p-2 font-mono text-11 leading-relaxed',
        className,
      )}
    >
      {text}
    </pre>
  );
}

const LINE_LOOKS: Readonly<Record<string, string>> = {
  '+': 'bg-healthy/12 text-ink',
  '-': 'bg-down/12 text-ink line-through decoration-down/50',
  '@': 'text-soft',
};

/** A unified diff: the signs in front stay, so that it reads without colour. */
export function DiffView({ diff, className }: { readonly diff: string; readonly className?: string }) {
  const lines = diff.replace(/\n$/, '').split('\n');
  const body = lines.slice(
    Math.max(
      0,
      lines.findIndex((line) => line.startsWith('@@')),
    ),
  );
  return (
    <pre
      tabIndex={0}
      aria-label="Difference"
      className={cx('overflow-auto border border-grid bg-paper font-mono text-11 leading-relaxed', className)}
    >
      {body.map((line, index) => (
        <span key={index} className={cx('block min-w-fit px-2', LINE_LOOKS[line[0] ?? ''])}>
          {line || ' '}
        </span>
      ))}
    </pre>
  );
}
