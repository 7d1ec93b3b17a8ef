import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { AppError } from '@/lib/core/errors';

/** A private key as it will be stored, and the fingerprint of its public half where that is readable. */
export interface ReadKey {
  readonly privateKey: string;
  /** `SHA256:…` as ssh-keygen prints it, or empty when only the passphrase would tell. */
  readonly fingerprint: string;
  /** False when the stored form needs no passphrase any more. */
  readonly keepsPassphrase: boolean;
}

function refuse(message: string, cause?: unknown): AppError {
  return new AppError('invalid', message, { cause, fields: { privateKey: message } });
}

/** `SHA256:` and unpadded base64 of the SHA-256 of a public key blob (RFC 4253 6.6; ssh-keygen -l). */
export function toFingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

function readStrings(bytes: Buffer, count: number): { strings: Buffer[]; rest: Buffer } {
  const strings: Buffer[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const length = bytes.readUInt32BE(at);
    if (length > bytes.length - at - 4) throw new RangeError('cut short');
    strings.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return { strings, rest: bytes.subarray(at) };
}

/** OpenSSH's own format (openssh PROTOCOL.key): its public half is always in the clear. */
function readOpenSsh(text: string, passphrase: string | undefined): ReadKey {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----/.exec(
    text,
  )?.[1];
  const bytes = Buffer.from(body ?? '', 'base64');
  const magic = 'openssh-key-v1\0';
  if (bytes.subarray(0, magic.length).toString('latin1') !== magic) {
    throw refuse('The key is cut short: paste it whole, from BEGIN to END.');
  }
  try {
    const { strings, rest } = readStrings(bytes.subarray(magic.length), 3);
    if (rest.readUInt32BE(0) !== 1) throw refuse('The file holds more than one key. Paste one key.');
    const blob = readStrings(rest.subarray(4), 2).strings[0];
    if (strings[0]?.toString('latin1') !== 'none' && !passphrase) {
      throw refuse('The key is encrypted: type its passphrase.');
    }
    return { privateKey: text, fingerprint: blob ? toFingerprint(blob) : '', keepsPassphrase: true };
  } catch (error) {
    if (error instanceof RangeError) throw refuse('The key is cut short: paste it whole, from BEGIN to END.');
    throw error;
  }
}

function toString32(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** A positive multiple-precision integer (RFC 4251 5). */
function toMpint(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, 'base64url');
  return toString32(
    bytes[0] !== undefined && bytes[0] >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes,
  );
}

function toPublicBlob(publicKey: KeyObject): Buffer | null {
  const jwk = publicKey.export({ format: 'jwk' });
  if (jwk.kty === 'RSA' && jwk.n && jwk.e) {
    return Buffer.concat([toString32(Buffer.from('ssh-rsa')), toMpint(jwk.e), toMpint(jwk.n)]);
  }
  if (jwk.kty === 'EC' && jwk.x && jwk.y) {
    const curve = { 'P-256': 'nistp256', 'P-384': 'nistp384', 'P-521': 'nistp521' }[jwk.crv ?? ''];
    if (!curve) return null;
    const point = Buffer.concat([
      Buffer.from([4]),
      Buffer.from(jwk.x, 'base64url'),
      Buffer.from(jwk.y, 'base64url'),
    ]);
    return Buffer.concat(
      [`ecdsa-sha2-${curve}`, curve].map((name) => toString32(Buffer.from(name))).concat(toString32(point)),
    );
  }
  return null;
}

/** PEM (PKCS #1, SEC 1, PKCS #8): stored as PKCS #1 or SEC 1 without a passphrase, because it is sealed anyway. */
function readPem(text: string, passphrase: string | undefined): ReadKey {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: text, ...(passphrase && { passphrase }) });
  } catch (error) {
    const isEncrypted = /ENCRYPTED/.test(text);
    if (isEncrypted && !passphrase) throw refuse('The key is encrypted: type its passphrase.');
    throw refuse(
      isEncrypted ? 'The passphrase does not open this key.' : 'This is not a private key that can be read.',
      error,
    );
  }
  const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : key.asymmetricKeyType === 'ec' ? 'sec1' : null;
  const blob = type ? toPublicBlob(createPublicKey(key)) : null;
  if (!type || !blob) {
    throw refuse(
      'Keys of this kind are read in OpenSSH’s own format only. Convert a copy: ssh-keygen -p -f COPY.',
    );
  }
  const privateKey = key.export({ type, format: 'pem' }).toString();
  return { privateKey, fingerprint: toFingerprint(blob), keepsPassphrase: false };
}

/**
 * Checks the shape of a pasted private key and derives the fingerprint. Throws `invalid` with words for the form; no
 * message repeats any of the key.
 */
export function readPrivateKey(pasted: string, passphrase?: string): ReadKey {
  const text = `${pasted.replace(/\r\n?/g, '\n').trim()}\n`;
  if (/^(ssh-|ecdsa-)/.test(text) || text.includes('PUBLIC KEY')) {
    throw refuse('This is a public key. Paste the private one, usually the file without .pub.');
  }
  if (text.startsWith('PuTTY-User-Key-File')) {
    throw refuse('This is a PuTTY key. Export it in PuTTYgen: Conversions, Export OpenSSH key.');
  }
  if (text.includes('BEGIN OPENSSH PRIVATE KEY')) return readOpenSsh(text, passphrase);
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return readPem(text, passphrase);
  throw refuse('This is not a private key: it should begin with -----BEGIN OPENSSH PRIVATE KEY-----.');
}
