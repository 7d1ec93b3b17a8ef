import { RenderedFile } from './rendered-file';
import { findSecretSlots } from './secret-slot';

/**
 * The file, when it is a valid one in which every slot is listed and every listed secret has a slot. Throws otherwise:
 * then some text has become a slot, and filling it would put a secret where nobody has asked for it.
 */
export function toCheckedFile(file: RenderedFile): RenderedFile {
  const toKey = (slot: { id: string; version: number }) => `${slot.id} v${slot.version}`;
  const listed = new Set(file.secrets.map(toKey));
  const present = new Set(findSecretSlots(file.content).map(toKey));
  const odd = [...listed, ...present].filter((key) => !listed.has(key) || !present.has(key));
  if (odd.length > 0) throw new Error(`${file.path}: slots and secrets differ: ${odd.join(', ')}`);
  return RenderedFile.parse(file);
}
