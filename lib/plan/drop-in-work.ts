import { sha256Hex } from '@/lib/core/hash';
import { toUnifiedDiff } from '@/lib/core/unified-diff';
import type { NodeFacts } from '@/lib/health/facts';
import type { RenderedFile } from '@/lib/render/rendered-file';
import { toDropInPath } from '@/lib/render/service-drop-ins';
import { isOurs, isSame, PLAIN, toFileEffect } from './file-work';
import type { Work } from './file-work';

/** Stamp of the drop-in of `unit` that systemd has read. */
const toStampName = (unit: string) => `drop-in-${unit}`;

/** Writes the drop-in of a unit and has systemd read it; nothing restarts. Empty where systemd has it already. */
export function toDropInWork(file: RenderedFile, unit: string, facts: NodeFacts): Work[] {
  const { path, mode, owner, group, content, secrets } = file;
  const found = facts.files[path] ?? null;
  const stampName = toStampName(unit);
  const stamp = sha256Hex(content);
  const put: Work = {
    ...PLAIN,
    kind: 'file.put',
    params: { path, mode, owner, group, content, secrets, dropsStamps: [stampName] },
    effect: toFileEffect(file, found),
    diff: toUnifiedDiff(path, found?.content ?? null, content),
  };
  const isThere = isSame(file, found);
  if (isThere && facts.stamps[stampName] === stamp) return [];
  return [...(isThere ? [] : [put]), toReload(unit, stamp)];
}

/**
 * Removes our drop-in of a unit that is gone or stopped before, so that systemd has it no more in memory; empty where there is
 * none of ours.
 */
export function toDropInRemoval(unit: string, facts: NodeFacts): Work[] {
  const path = toDropInPath(unit);
  if (!isOurs(facts.files[path])) return [];
  const remove: Work = {
    ...PLAIN,
    kind: 'file.remove',
    params: { path, dropsStamps: [toStampName(unit)] },
    effect: `removes ${path}`,
    diff: toUnifiedDiff(path, facts.files[path]?.content ?? null, null),
    phase: 'serve',
  };
  return [remove];
}

function toReload(unit: string, stamp: string): Work {
  return {
    ...PLAIN,
    kind: 'units.reload',
    params: { unit, stampName: toStampName(unit), stamp },
    effect: `has systemd read the files of ${unit} again; what runs goes on`,
  };
}
