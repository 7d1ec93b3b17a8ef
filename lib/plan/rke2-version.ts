/** `v1.35.7+rke2r1` in parts; a pre-release sorts before its release. */
export interface Rke2VersionParts {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** Number of the release candidate, null for a release. */
  readonly rc: number | null;
  readonly release: number;
}

/** Parts of an RKE2 version (RKE2 release names), or null when it is none. */
export function findRke2Version(text: string): Rke2VersionParts | null {
  const match = /^v(\d+)\.(\d+)\.(\d+)(?:-rc(\d+))?\+rke2r(\d+)$/.exec(text);
  if (!match) return null;
  const [major = 0, minor = 0, patch = 0] = match.slice(1, 4).map(Number);
  return {
    major,
    minor,
    patch,
    rc: match[4] === undefined ? null : Number(match[4]),
    release: Number(match[5]),
  };
}

/** Negative where `a` is older than `b`, 0 where both are the same: Kubernetes' version first, then RKE2's own number. */
export function compareRke2Versions(a: Rke2VersionParts, b: Rke2VersionParts): number {
  const rank = (version: Rke2VersionParts) => version.rc ?? Number.MAX_SAFE_INTEGER;
  return (
    a.major - b.major ||
    a.minor - b.minor ||
    a.patch - b.patch ||
    Math.sign(rank(a) - rank(b)) ||
    a.release - b.release
  );
}

/** First patch of a minor whose etcd is 3.5.26, in which members that were removed do not come back (RKE2 release notes). */
const FIRST_WITH_ETCD_3_5_26: Readonly<Record<number, string>> = {
  32: 'v1.32.11+rke2r3',
  33: 'v1.33.7+rke2r3',
};
const LAST_WITH_ETCD_3_5 = 'v1.33.10+rke2r3';

/**
 * The patch that a server with etcd's data must run before it goes from `found` to `wanted`, or null where it may go
 * straight: etcd 3.6 (v1.33.11 and newer) takes only members that ran 3.5.26 (RKE2 docs release-notes/v1.33.X).
 */
export function findEtcdStop(found: Rke2VersionParts, wanted: Rke2VersionParts): string | null {
  const hasEtcd36 = wanted.minor > 33 || (wanted.minor === 33 && wanted.patch > 10);
  const first = findRke2Version(FIRST_WITH_ETCD_3_5_26[found.minor] ?? '');
  return hasEtcd36 && first && compareRke2Versions(found, first) < 0 ? LAST_WITH_ETCD_3_5 : null;
}
