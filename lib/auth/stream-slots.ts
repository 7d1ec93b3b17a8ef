import { AppError } from '@/lib/core/errors';

/** Tabs and programs of one person on one web process; a browser keeps one per tab. */
const PER_USER = 30;
const KEY = Symbol.for('siteplan.stream-slots');

/** On `globalThis`, because Next bundles this module once per kind of route. */
function slots(): Map<string, number> {
  const holder = globalThis as { [KEY]?: Map<string, number> }; // the symbol is ours alone
  holder[KEY] ??= new Map();
  return holder[KEY];
}

/** Takes one of a person's stream slots and returns what gives it back (once). Throws `too-many` when all are taken. */
export function takeStreamSlot(userId: string): () => void {
  const taken = slots().get(userId) ?? 0;
  if (taken >= PER_USER)
    throw new AppError('too-many', `${PER_USER} streams are open already. Close some tabs.`);
  slots().set(userId, taken + 1);
  let isReleased = false;
  return () => {
    if (isReleased) return;
    isReleased = true;
    const left = (slots().get(userId) ?? 1) - 1;
    if (left > 0) slots().set(userId, left);
    else slots().delete(userId);
  };
}
