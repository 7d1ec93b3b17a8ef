import { createCipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';

/**
 * Re-seals something for one reader's one-time key (a kubeconfig for the browser that asked). P-256 because every
 * WebCrypto has it; `components/live/open-sealed.ts` is the other half.
 *
 *   sealed = 1 | ephemeral P-256 point, uncompressed (65) | nonce (12) | text | tag (16)
 */
const CURVE = 'prime256v1';
const POINT_BYTES = 65;

/** True for base64 of an uncompressed P-256 point. */
export function isOneTimeKey(publicKey: string): boolean {
  return findPoint(publicKey) !== null;
}

function findPoint(publicKey: string): Buffer | null {
  if (!/^[A-Za-z0-9+/]{87}=$/.test(publicKey)) return null;
  const point = Buffer.from(publicKey, 'base64');
  return point.length === POINT_BYTES && point[0] === 4 ? point : null;
}

/** Seals `bytes` to a one-time public key; base64 in, base64 out. Throws for a key that is none. */
export function sealTo(publicKey: string, bytes: Uint8Array): string {
  const recipient = findPoint(publicKey);
  if (!recipient) throw new Error('not a P-256 public key');
  const ephemeral = createECDH(CURVE);
  const ephemeralPoint = ephemeral.generateKeys();
  const agreement = ephemeral.computeSecret(recipient); // throws for points that are not on the curve
  const salt = Buffer.concat([ephemeralPoint, recipient]);
  const key = Buffer.from(hkdfSync('sha256', agreement, salt, 'siteplan one-time v1', 32));
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = Buffer.concat([
    Buffer.from([1]),
    ephemeralPoint,
    nonce,
    cipher.update(bytes),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  return sealed.toString('base64');
}
