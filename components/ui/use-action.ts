'use client';
import { useCallback, useState, useTransition } from 'react';
import type { ActionError, ActionResult } from '@/lib/core/action-result';

interface ActionUse<I, T> {
  /** Calls the action; `onDone` gets its value. A call while another is under way is dropped. */
  readonly run: (input: I, onDone?: (value: T) => void) => void;
  readonly isBusy: boolean;
  readonly error: ActionError | null;
  readonly clear: () => void;
}

const NO_ANSWER: ActionError = {
  code: 'unavailable',
  message:
    'The server did not answer, so it is not known whether this was done. Check the connection and try again.',
  requestId: '',
};

/** A server action with its state: under way, or what went wrong in words. */
export function useAction<I, T>(action: (input: I) => Promise<ActionResult<T>>): ActionUse<I, T> {
  const [error, setError] = useState<ActionError | null>(null);
  const [isBusy, startTransition] = useTransition();
  const run = useCallback(
    (input: I, onDone?: (value: T) => void) =>
      startTransition(async () => {
        const result = await action(input).catch(() => null);
        if (result?.ok) {
          setError(null);
          onDone?.(result.value);
        } else {
          setError(result ? result.error : NO_ANSWER);
        }
      }),
    [action],
  );
  const clear = useCallback(() => setError(null), []);
  return { run, isBusy, error, clear };
}
