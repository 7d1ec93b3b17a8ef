import type { ComponentProps, ReactNode } from 'react';
import { cx } from './cx';

const BOX =
  'w-full min-w-0 rounded-2 border border-line bg-raised px-2 text-ink placeholder:text-soft aria-invalid:border-down disabled:opacity-60';

interface InputProps extends ComponentProps<'input'> {
  readonly isMono?: boolean;
  /** Stands inside the box, at the right. */
  readonly unit?: ReactNode;
}

export function Input({ isMono, unit, className, ...rest }: InputProps) {
  const input = (
    <input {...rest} className={cx(BOX, 'h-8', isMono && 'font-mono', unit ? 'pr-12' : className)} />
  );
  if (!unit) return input;
  return (
    <span className={cx('relative block', className)}>
      {input}
      <span className="drawn-label pointer-events-none absolute inset-y-0 right-2 flex items-center">
        {unit}
      </span>
    </span>
  );
}

export function Select({ className, ...rest }: ComponentProps<'select'>) {
  return <select {...rest} className={cx(BOX, 'h-8', className)} />;
}

export function Textarea({ isMono, className, ...rest }: ComponentProps<'textarea'> & { isMono?: boolean }) {
  return (
    <textarea
      spellCheck={!isMono}
      {...rest}
      className={cx(BOX, 'py-1.5 leading-relaxed', isMono && 'font-mono', className)}
    />
  );
}

interface CheckboxProps extends Omit<ComponentProps<'input'>, 'type'> {
  readonly label: ReactNode;
  readonly help?: ReactNode;
}

export function Checkbox({ label, help, className, ...rest }: CheckboxProps) {
  return (
    <label className={cx('flex items-start gap-2', className)}>
      <input type="checkbox" {...rest} className="mt-0.5" />
      <span>
        {label}
        {help && <span className="block text-soft">{help}</span>}
      </span>
    </label>
  );
}

interface Choice<V extends string> {
  readonly value: V;
  readonly label: ReactNode;
  readonly help?: ReactNode;
}

interface ChoicesProps<V extends string> {
  readonly legend: string;
  readonly name: string;
  readonly value: V;
  readonly choices: readonly Choice<V>[];
  readonly onChange: (value: V) => void;
}

/** One of a few that fit on the page, each with a word of why. */
export function Choices<V extends string>({ legend, name, value, choices, onChange }: ChoicesProps<V>) {
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1 font-medium">{legend}</legend>
      {choices.map((choice) => (
        <label
          key={choice.value}
          className={cx(
            'flex gap-2 rounded-2 border px-3 py-2',
            choice.value === value ? 'border-accent bg-raised' : 'border-grid hover:border-line',
          )}
        >
          <input
            type="radio"
            name={name}
            checked={choice.value === value}
            onChange={() => onChange(choice.value)}
            className="mt-0.5"
          />
          <span>
            {choice.label}
            {choice.help && <span className="block text-soft">{choice.help}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
