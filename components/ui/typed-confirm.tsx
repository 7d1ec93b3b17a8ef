'use client';
import { useState } from 'react';
import type { ReactNode } from 'react';
import { Button } from './button';
import { Dialog } from './dialog';
import { Field } from './field';
import { Input } from './input';

interface Props {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly title: string;
  /** What must be typed, such as the name of what is lost. */
  readonly word: string;
  /** The button's words: a verb and what it does. */
  readonly action: string;
  readonly isBusy: boolean;
  readonly onConfirm: () => void;
  /** What will be lost. */
  readonly children: ReactNode;
}

/** Asks before something that cannot be undone: says what is lost, and wants a name typed. */
export function TypedConfirm({ isOpen, onClose, title, ...rest }: Props) {
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title={title}>
      <ConfirmForm onClose={onClose} {...rest} />
    </Dialog>
  );
}

type FormProps = Omit<Props, 'isOpen' | 'title'>;

function ConfirmForm({ onClose, word, action, isBusy, onConfirm, children }: FormProps) {
  const [typed, setTyped] = useState('');
  const reason = typed === word ? null : `Type ${word} first.`;
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (reason === null && !isBusy) onConfirm();
      }}
    >
      <div>{children}</div>
      <Field label={`Type ${word} to go on`}>
        {(ids) => (
          <Input
            {...ids}
            isMono
            autoFocus
            autoComplete="off"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        )}
      </Field>
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" look="danger" isBusy={isBusy} reason={reason}>
          {action}
        </Button>
      </div>
    </form>
  );
}
