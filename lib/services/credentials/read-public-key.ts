import { AppError } from '@/lib/core/errors';
import { toFingerprint } from './read-private-key';

/** Types of keys that an agent can sign with for us (no `ssh-dss`). */
const LINE =
  /^((?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521)|sk-[a-z0-9-]+@openssh\.com)) ([A-Za-z0-9+/]{20,}={0,2})(?:\s.*)?$/;

function refuse(message: string): AppError {
  return new AppError('invalid', message, { fields: { publicKey: message } });
}

/** Reads a line of a .pub file: `TYPE BASE64`, its comment dropped. Throws `invalid` with words for the form. */
export function readPublicKey(pasted: string): { line: string; fingerprint: string } {
  const text = pasted.trim();
  if (text.includes('PRIVATE KEY')) {
    throw refuse('This is a private key. Paste the public one, usually the file with .pub.');
  }
  const [, type = '', base64 = ''] = LINE.exec(text) ?? [];
  const blob = Buffer.from(base64, 'base64');
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  if (type === '' || blob.subarray(4, 4 + length).toString('latin1') !== type) {
    throw refuse('This is not a public key: it should be one line such as ssh-ed25519 AAAA….');
  }
  return { line: `${type} ${base64}`, fingerprint: toFingerprint(blob) };
}
