import { createHash, randomBytes } from 'node:crypto';

/** A token of 256 random bits as 43 letters (base64url), with an optional prefix that tells scanners whose it is. */
export function createOpaqueToken(prefix = ''): string {
  return prefix + randomBytes(32).toString('base64url');
}

/** SHA-256 in hex: what is stored of a token. A token of 256 random bits needs no salt. */
export function toTokenHash(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex');
}

/** A join token for RKE2: 256 random bits in hex, so that it never looks like a full `K10…` token (RKE2 docs security/token). */
export function createJoinToken(): string {
  return randomBytes(32).toString('hex');
}
