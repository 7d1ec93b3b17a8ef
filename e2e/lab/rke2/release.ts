/** Takes an RKE2 version such as `v1.35.7+rke2r1` apart; throws when it is none. */
export function parseRelease(version: string): { major: string; minor: string; patch: string } {
  const [, major, minor, patch] = /^v(\d+)\.(\d+)\.(\d+)(?:-rc\d+)?\+rke2r\d+$/.exec(version) ?? [];
  if (major === undefined || minor === undefined || patch === undefined)
    throw new Error(`not an RKE2 version: ${version}`);
  return { major, minor, patch };
}
