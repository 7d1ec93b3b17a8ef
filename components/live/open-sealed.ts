/** Wire format and constants of `lib/secrets/seal-to.ts`, opened with nothing but WebCrypto. */
const POINT_BYTES = 65;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface OneTimeKey {
  /** Base64 of the uncompressed P-256 point; goes into the request. */
  readonly publicKey: string;
  /** Opens what was sealed to this key; rejects for anything else. */
  readonly open: (sealedBase64: string) => Promise<Uint8Array>;
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Makes a key pair that lives as long as the page; the private half cannot be exported. */
export async function makeOneTimeKey(): Promise<OneTimeKey> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits']);
  const point = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  return {
    publicKey: toBase64(point),
    open: (sealedBase64) => openSealed(pair.privateKey, point, fromBase64(sealedBase64)),
  };
}

async function openSealed(
  privateKey: CryptoKey,
  recipient: Uint8Array<ArrayBuffer>,
  sealed: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  if (sealed[0] !== 1 || sealed.length < 1 + POINT_BYTES + NONCE_BYTES + TAG_BYTES) {
    throw new Error('The sealed answer has an unknown form. Reload the page and ask again.');
  }
  const ephemeral = sealed.slice(1, 1 + POINT_BYTES);
  const nonce = sealed.slice(1 + POINT_BYTES, 1 + POINT_BYTES + NONCE_BYTES);
  const text = sealed.slice(1 + POINT_BYTES + NONCE_BYTES);
  const peer = await crypto.subtle.importKey(
    'raw',
    ephemeral,
    { name: 'ECDH', namedCurve: 'P-256' },
    false,
    [],
  );
  const agreement = await crypto.subtle.deriveBits({ name: 'ECDH', public: peer }, privateKey, 256);
  const salt = new Uint8Array([...ephemeral, ...recipient]);
  const info = new TextEncoder().encode('siteplan one-time v1');
  const base = await crypto.subtle.importKey('raw', agreement, 'HKDF', false, ['deriveKey']);
  const key = await crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt, info },
    base,
    { name: 'AES-GCM', length: 256 },
    false,
    ['decrypt'],
  );
  return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: nonce }, key, text));
}
