/*
 * A join token in its full form pins the CA of the cluster, `K10<sha256 of the CA>::<user>:<password>`: a joining node
 * hands the password only to a server that shows this CA (RKE2 docs security/token). The hash is known once the first
 * server runs, so rendered files, plans and step ids hold a slot for it, as for secrets.
 */

/** Stands for the hash in rendered files, diffs, plans and step ids. */
export const CLUSTER_CA_SLOT = '⟦cluster-ca⟧';

/** SHA-256 in hex. */
const HASH = /^[0-9a-f]{64}$/;
const PINNED = /K10([0-9a-f]{64})::/;

/** Where each server keeps the full server token, readable for root (RKE2 docs security/token). */
const TOKEN_PATH = '/var/lib/rancher/rke2/server/token';
/** Prints the hash and nothing else of the token: the password never leaves the host. */
const HASH_ONLY = String.raw`s/^K10\([0-9a-f]\{64\}\)::.*/\1/p`;

/** Prints the hash on a server that has run; nothing where the file is not there or holds no full token. */
export const CLUSTER_CA_SCRIPT = `sed -n '${HASH_ONLY}' -- "$sp_root${TOKEN_PATH}"\n`;
/** The same for a person. */
export const CLUSTER_CA_COMMAND = `sed -n '${HASH_ONLY}' ${TOKEN_PATH}`;

/** The hash that `CLUSTER_CA_SCRIPT` has printed, or null. */
export function findClusterCa(printed: string): string | null {
  const hash = printed.trim();
  return HASH.test(hash) ? hash : null;
}

export function hasClusterCaSlot(content: string): boolean {
  return content.includes(CLUSTER_CA_SLOT);
}

/** Puts the hash into its slots. Throws for anything but 64 hex digits. */
export function fillClusterCa(content: string, hash: string): string {
  if (!HASH.test(hash)) throw new Error('not the hash of a cluster CA');
  return content.replaceAll(CLUSTER_CA_SLOT, hash);
}

/** The hash of the CA that a token in a text read from a host pins, or null. */
export function findPinnedCa(text: string): string | null {
  return PINNED.exec(text)?.[1] ?? null;
}

/** The reverse of filling, for text read from a host: tokens that pin this cluster's CA get the slot, others stay. */
export function toUnpinned(text: string, hash: string): string {
  return text.replaceAll(`K10${hash}::`, `K10${CLUSTER_CA_SLOT}::`);
}
