import type { PlanStep } from '@/lib/plan/plan';
import { kindOf } from './step-script';

export interface ReleaseFolder {
  readonly version: string;
  /** Names as released, the lists of checksums last. */
  readonly files: readonly string[];
}

/** The release files that steps take from the bundle's folder `artifacts`, by version; a person puts them there. */
export function listReleaseFiles(steps: readonly PlanStep[]): readonly ReleaseFolder[] {
  const wanted = steps.flatMap((step) => kindOf(step).toReleaseFile(step.params) ?? []);
  const versions = [...new Set(wanted.map(({ version }) => version))];
  return versions.map((version) => {
    const own = wanted.filter((each) => each.version === version);
    const names = [
      ...own.map(({ file }) => file).sort(),
      ...own.map(({ arch }) => `sha256sum-${arch}.txt`).sort(),
    ];
    return { version, files: [...new Set(names)] };
  });
}
