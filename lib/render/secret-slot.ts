import type { SecretRef } from '@/lib/topology/topology';

const SLOT = /⟦secret ([a-z0-9-]+) v(\d+)⟧/g;
/**
 * Printable ASCII without blanks, `"` and `\`: such a value means itself inside a double-quoted YAML scalar, so
 * that filling never changes a file's structure and the reverse finds the same text again.
 */
const FILLABLE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** The text that stands for a secret in rendered files, diffs, plans and step ids: id and version, never the value. */
export function toSecretSlot(ref: SecretRef): string {
  return `⟦secret ${ref.id} v${ref.version}⟧`;
}

/** True for a value that can stand in a slot; others are refused where they are typed, not when they are filled in. */
export function isFillable(value: string): boolean {
  return FILLABLE.test(value);
}

/** The slots in a text, in order, with repetitions. */
export function findSecretSlots(content: string): { id: string; version: number }[] {
  return [...content.matchAll(SLOT)].map(([, id = '', version]) => ({ id, version: Number(version) }));
}

/**
 * Puts values into the slots that `allowed` lists. Throws for a slot that is not listed or has no value (text that
 * merely looks like a slot, a label, a note, must never pull a secret in), and for a value that could not stand in
 * a quoted scalar. No error holds a value.
 */
export function fillSecretSlots(
  content: string,
  allowed: readonly SecretRef[],
  valueOf: (ref: SecretRef) => string | undefined,
): string {
  return content.replace(SLOT, (_slot, id: string, version: string) => {
    const ref = allowed.find((candidate) => candidate.id === id && candidate.version === Number(version));
    const value = ref && valueOf(ref);
    if (value === undefined) throw new Error(`no secret for slot ${id} v${version}`);
    if (!isFillable(value)) {
      throw new Error(
        `secret ${id} v${version} holds blanks, quotes, backslashes or characters beyond ASCII`,
      );
    }
    return value;
  });
}

/**
 * The reverse for text read from a host: every known value becomes its slot again (longest values first). Brackets
 * of slots that already stand in that text become `�`, so that a host cannot claim to hold a secret.
 */
export function toSlottedText(text: string, known: readonly { ref: SecretRef; value: string }[]): string {
  const honest = text.replace(/[⟦⟧]/g, '\ufffd');
  const usable = known
    .filter(({ value }) => value.length >= 8)
    .sort((a, b) => b.value.length - a.value.length);
  if (usable.length === 0) return honest;
  const slots = new Map(
    usable.map(({ ref, value }) => [value, toSecretSlot(ref)]).reverse() as [string, string][],
  );
  const anyValue = new RegExp(
    usable.map(({ value }) => value.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')).join('|'),
    'g',
  );
  return honest.replace(anyValue, (value) => slots.get(value) ?? value);
}
