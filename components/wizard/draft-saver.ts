/** Stores a draft; null makes a new one. Gives its id, or null when it could not be stored. */
export type StoreDraft<T> = (draftId: string | null, document: T) => Promise<string | null>;

export type SaveState = 'unsaved' | 'saving' | 'saved' | 'failed';

/**
 * Stores what is typed a moment after the last key, one store at a time and always the newest; so the first key makes
 * one draft, not two. `flush` stores at once: when a step is left.
 */
export class DraftSaver<T> {
  #draftId: string | null;
  #waiting: { readonly document: T } | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | null = null;
  readonly #store: StoreDraft<T>;
  readonly #onState: (state: SaveState, draftId: string | null) => void;
  readonly #delayMs: number;

  constructor(
    draftId: string | null,
    store: StoreDraft<T>,
    onState: (state: SaveState, draftId: string | null) => void,
    delayMs = 400,
  ) {
    this.#draftId = draftId;
    this.#store = store;
    this.#onState = onState;
    this.#delayMs = delayMs;
  }

  get draftId(): string | null {
    return this.#draftId;
  }

  /** Stores `document` soon. */
  save(document: T): void {
    this.#waiting = { document };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), this.#delayMs);
  }

  /** Stores what waits, and resolves when nothing waits any more. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    while (this.#waiting || this.#running) {
      if (this.#running) await this.#running;
      else this.#running = this.#storeWaiting().finally(() => (this.#running = null));
    }
  }

  async #storeWaiting(): Promise<void> {
    const waiting = this.#waiting;
    if (!waiting) return;
    this.#waiting = null;
    this.#onState('saving', this.#draftId);
    const draftId = await this.#store(this.#draftId, waiting.document).catch(() => null);
    if (draftId !== null) this.#draftId = draftId;
    this.#onState(draftId === null ? 'failed' : 'saved', this.#draftId);
  }
}
