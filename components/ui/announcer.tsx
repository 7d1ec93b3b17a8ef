'use client';
import { useSyncExternalStore } from 'react';

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly tone: 'ink' | 'down';
  /** False: only spoken, for screen readers; true: also shown until it is closed. */
  readonly isShown: boolean;
}

let notices: readonly Notice[] = [];
let nextId = 1;
const EMPTY: readonly Notice[] = [];
const listeners = new Set<() => void>();

function change(next: readonly Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Says a change of state to screen readers, politely. */
export function announce(text: string): void {
  change([
    ...notices.filter((notice) => notice.isShown),
    { id: nextId++, text, tone: 'ink', isShown: false },
  ]);
}

/** Shows a sentence in the corner; errors stay until they are closed, at most three at a time. */
export function notify(text: string, tone: Notice['tone'] = 'ink'): void {
  change([...notices.slice(-2), { id: nextId++, text, tone, isShown: true }]);
}

/** The one live region of a page, and the notices in its corner. */
export function Announcer() {
  const all = useSyncExternalStore(
    subscribe,
    () => notices,
    () => EMPTY,
  );
  return (
    <div className="fixed bottom-4 left-1/2 z-50 flex -translate-x-1/2 flex-col gap-2">
      <div role="status" aria-live="polite" className="sr-only">
        {all.at(-1)?.text}
      </div>
      {all
        .filter((notice) => notice.isShown)
        .map((notice) => (
          <div
            key={notice.id}
            className={`floating flex max-w-160 items-start gap-3 rounded-2 border bg-raised px-3 py-2 ${notice.tone === 'down' ? 'border-down' : 'border-line'}`}
          >
            <span>{notice.text}</span>
            <button
              type="button"
              className="text-soft hover:text-ink"
              aria-label="Close notice"
              onClick={() => change(notices.filter((each) => each.id !== notice.id))}
            >
              ×
            </button>
          </div>
        ))}
    </div>
  );
}
