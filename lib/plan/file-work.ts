import { canonicalJson, sha256Hex } from '@/lib/core/hash';
import type { FileFact } from '@/lib/health/facts';
import { MANAGED_HEADER } from '@/lib/render/managed-header';
import type { RenderedFile } from '@/lib/render/rendered-file';
import type { StepKindName } from '@/lib/steps/catalogue';

/** A step of one node before it has an id and dependencies. */
export interface Work {
  readonly kind: StepKindName;
  readonly params: Readonly<Record<string, unknown>>;
  readonly effect: string;
  readonly diff: string | null;
  readonly restarts: readonly string[];
  /** Whether it lowers the number of voting servers while it runs. */
  readonly touchesQuorum: boolean;
  /** `prepare` disturbs nothing that runs; `change` may be picked up by a running service; `serve` starts or restarts it. */
  readonly phase: 'prepare' | 'change' | 'serve';
}

/** What most steps are: no diff, no restart, quorum untouched, and nothing that runs is disturbed. */
export const PLAIN = { diff: null, restarts: [], touchesQuorum: false, phase: 'prepare' } as const;

/**
 * A file without what RKE2 takes at the first registration only, labels and taints (RKE2 docs
 * reference/linux_agent_config): no restart makes them count.
 */
export function withoutLabels(content: string): string {
  return content.replace(/^node-(?:label|taint):.*\n(?:[ -].*\n)*/gm, '');
}

/** What `unit` is started with: the version and the slotted content of every file that it reads at its start. */
export function toServiceStamp(version: string, unit: string, files: readonly RenderedFile[]): string {
  const read = files
    .filter(({ readBy }) => readBy.includes(unit))
    .map(({ path, content }) => [path, withoutLabels(content)]);
  return sha256Hex(canonicalJson({ version, files: read }));
}

/** Whether the file stands on the host as it shall: content, mode, owner and group. */
export function isSame(file: RenderedFile, found: FileFact | null): boolean {
  return (
    found?.content === file.content &&
    found.mode === file.mode &&
    found.owner === file.owner &&
    found.group === file.group
  );
}

/** What writing the file will do, one sentence without its full stop. */
export function toFileEffect(file: RenderedFile, found: FileFact | null): string {
  if (!found) return `writes ${file.path}: ${file.purpose}`;
  if (found.content === null) return `replaces ${file.path}, which is no readable text now`;
  if (found.content === file.content) {
    return `sets mode and owner of ${file.path} to ${file.mode} ${file.owner}:${file.group}`;
  }
  return `changes ${file.path}: ${file.purpose}`;
}

/** Whether Siteplan wrote that file, by its first line. */
export function isOurs(file: FileFact | null | undefined): boolean {
  return file?.content?.startsWith(MANAGED_HEADER) ?? false;
}

/** Whether one of these takes that stamp away: what it stood for then has to happen again in the same plan. */
export function dropsStamp(works: readonly Work[], name: string): boolean {
  return works.some(({ params }) => {
    const dropped = params['dropsStamps'];
    return Array.isArray(dropped) && dropped.includes(name);
  });
}
