import { createDecipheriv, createPublicKey, diffieHellman, hkdfSync, type KeyObject } from 'node:crypto';

/** DER in front of an uncompressed P-256 point (RFC 5480). */
const SPKI_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

/** What the browser does with a value that was sealed to its one-time key (lib/secrets/seal-to), in Node. */
export function openOneTime(privateKey: KeyObject, publicPoint: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64');
  const point = bytes.subarray(1, 66);
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, point]),
    type: 'spki',
    format: 'der',
  });
  const agreement = diffieHellman({ privateKey, publicKey });
  const salt = Buffer.concat([point, Buffer.from(publicPoint, 'base64')]);
  const key = Buffer.from(hkdfSync('sha256', agreement, salt, 'siteplan one-time v1', 32));
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(66, 78));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(78, -16)), decipher.final()]).toString('utf8');
}
