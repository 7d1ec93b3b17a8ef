import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/**
 * Sealed box: everybody with the public key may seal, only the holder of the private key may open (S1, S2).
 *
 *   sealed = 1 | ephemeral X25519 key (32) | nonce (12) | wrapped data key (32+16) | nonce (12) | text | tag (16)
 *
 * A data key of 256 random bits per record, AES-256-GCM throughout, the wrap key by HKDF-SHA256 over the X25519
 * agreement. The row's identity is associated data of both layers: a sealed value moved to another row fails.
 */
const FORMAT = 1;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES + NONCE_BYTES;
/** DER in front of the 32 raw bytes of an X25519 public key (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');

/** Whose secret this is; becomes the associated data of the seal. */
export interface SecretIdentity {
  readonly purpose: string;
  readonly owner: string;
  readonly id: string;
  readonly version: number;
}

export interface SealPublicKey {
  readonly keyId: string;
  readonly key: KeyObject;
}

export interface SealPrivateKey extends SealPublicKey {
  readonly privateKey: KeyObject;
}

/** The value cannot be opened: wrong key, wrong row, or changed bytes. Deliberately says no more. */
export class SealError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SealError';
  }
}

function toRaw(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(-KEY_BYTES);
}

function fromRaw(raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), type: 'spki', format: 'der' });
}

/** Short name of a key pair, stored with each sealed row: first 16 hex of the public key's SHA-256. */
export function toKeyId(publicKey: KeyObject): string {
  return createHash('sha256').update(toRaw(publicKey)).digest('hex').slice(0, 16);
}

function toAad({ purpose, owner, id, version }: SecretIdentity): Buffer {
  const parts = [purpose, owner, id, String(version)];
  if (parts.some((part) => part === '' || part.includes('|'))) throw new Error('not a secret identity');
  return Buffer.from(parts.join('|'), 'utf8');
}

function toWrapKey(agreement: Buffer, ephemeral: Buffer, recipient: Buffer): Buffer {
  const salt = Buffer.concat([ephemeral, recipient]);
  return Buffer.from(hkdfSync('sha256', agreement, salt, 'siteplan seal v1', KEY_BYTES));
}

function encrypt(key: Buffer, nonce: Buffer, aad: Buffer, plaintext: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, nonce: Buffer, aad: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(aad);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES)), decipher.final()]);
}

/** Seals `plaintext` for the workers. The result is at most 121 bytes longer. */
export function seal(recipient: SealPublicKey, plaintext: Uint8Array, identity: SecretIdentity): Buffer {
  const aad = toAad(identity);
  const ephemeral = generateKeyPairSync('x25519');
  const ephemeralRaw = toRaw(ephemeral.publicKey);
  const agreement = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: recipient.key });
  const wrapKey = toWrapKey(agreement, ephemeralRaw, toRaw(recipient.key));
  const dataKey = randomBytes(KEY_BYTES);
  const wrapNonce = randomBytes(NONCE_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  return Buffer.concat([
    Buffer.from([FORMAT]),
    ephemeralRaw,
    wrapNonce,
    encrypt(wrapKey, wrapNonce, aad, dataKey),
    nonce,
    encrypt(dataKey, nonce, aad, plaintext),
  ]);
}

/** Opens what `seal` made for the same identity. Throws a SealError for anything else. */
export function openSealed(recipient: SealPrivateKey, sealed: Uint8Array, identity: SecretIdentity): Buffer {
  const bytes = Buffer.from(sealed);
  if (bytes.length < HEADER_BYTES + TAG_BYTES || bytes[0] !== FORMAT) {
    throw new SealError(`the stored secret ${identity.id} has an unknown form`);
  }
  const aad = toAad(identity);
  let at = 1;
  const take = (length: number) => bytes.subarray(at, (at += length));
  const ephemeralRaw = take(KEY_BYTES);
  const wrapNonce = take(NONCE_BYTES);
  const wrapped = take(KEY_BYTES + TAG_BYTES);
  const nonce = take(NONCE_BYTES);
  try {
    const agreement = diffieHellman({ privateKey: recipient.privateKey, publicKey: fromRaw(ephemeralRaw) });
    const wrapKey = toWrapKey(agreement, ephemeralRaw, toRaw(recipient.key));
    return decrypt(decrypt(wrapKey, wrapNonce, aad, wrapped), nonce, aad, bytes.subarray(at));
  } catch {
    throw new SealError(
      `the stored secret ${identity.id} can't be opened: another key, another row, or changed bytes`,
    );
  }
}
