/** A Kubernetes line of RKE2 as far as this Siteplan knows it (RKE2 release notes and channels, August 2026). */
export interface ReleaseLine {
  /** Such as 1.35. */
  readonly minor: number;
  readonly newest: string;
  readonly isStable: boolean;
}

export const RELEASE_LINES: readonly ReleaseLine[] = [
  { minor: 33, newest: 'v1.33.13+rke2r2', isStable: false },
  { minor: 34, newest: 'v1.34.10+rke2r1', isStable: false },
  { minor: 35, newest: 'v1.35.7+rke2r1', isStable: true },
  { minor: 36, newest: 'v1.36.3+rke2r1', isStable: false },
];

export interface Rke2Version {
  readonly minor: number;
  readonly patch: number;
  /** Number of a release candidate, or null for a release. */
  readonly candidate: number | null;
  readonly revision: number;
}

/** The parts of `v1.35.7-rc1+rke2r1`, or null when the text is no RKE2 version of Kubernetes 1. */
export function findRke2Version(text: string): Rke2Version | null {
  const match = /^v1\.(\d+)\.(\d+)(?:-rc(\d+))?\+rke2r(\d+)$/.exec(text);
  if (!match) return null;
  const [, minor, patch, candidate, revision] = match;
  return {
    minor: Number(minor),
    patch: Number(patch),
    candidate: candidate === undefined ? null : Number(candidate),
    revision: Number(revision),
  };
}

/** Negative when `a` is older: by Kubernetes version, candidates before releases, then RKE2's revision. */
export function compareRke2Versions(a: Rke2Version, b: Rke2Version): number {
  return (
    a.minor - b.minor ||
    a.patch - b.patch ||
    compareCandidates(a.candidate ?? Infinity, b.candidate ?? Infinity) ||
    a.revision - b.revision
  );
}

function compareCandidates(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
