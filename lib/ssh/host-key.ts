import { createHash } from 'node:crypto';

/** A host's public key as scanned, approved and stored: `publicKey` is the whole key in base64, as in known_hosts. */
export interface HostPublicKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`, ... */
  readonly algorithm: string;
  readonly publicKey: string;
}

export interface ScannedHostKey extends HostPublicKey {
  /** `SHA256:` and 43 characters, as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
}

/** Fingerprint of a key blob (RFC 4253 6.6) or of its base64 form. */
export function toFingerprint(key: Buffer | string): string {
  const blob = typeof key === 'string' ? Buffer.from(key, 'base64') : key;
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** Reads the blob that a host sent: its first field names the type. Throws on a blob without one. */
export function toScannedHostKey(blob: Buffer): ScannedHostKey {
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  const algorithm = blob.subarray(4, 4 + length).toString('latin1');
  if (length === 0 || !/^[a-z0-9@.-]{1,64}$/.test(algorithm)) throw new Error('not a public key blob');
  return { algorithm, publicKey: blob.toString('base64'), fingerprint: toFingerprint(blob) };
}
