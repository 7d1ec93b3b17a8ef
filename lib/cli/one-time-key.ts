import { createDecipheriv, createECDH, hkdfSync } from 'node:crypto';
import { CliError } from './cli-error';

/** Wire format of `lib/secrets/seal-to.ts`: version, point, nonce, text, tag. */
const POINT_BYTES = 65;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface OneTimeKey {
  /** Base64 of the uncompressed P-256 point. */
  readonly publicKey: string;
  /** Opens what was sealed to this key. Throws a CliError for anything else. */
  readonly open: (sealedBase64: string) => Buffer;
}

/** A key pair that lives as long as the command. */
export function makeOneTimeKey(): OneTimeKey {
  const pair = createECDH('prime256v1');
  const own = pair.generateKeys();
  return {
    publicKey: own.toString('base64'),
    open: (sealedBase64) => {
      const sealed = Buffer.from(sealedBase64, 'base64');
      try {
        if (sealed[0] !== 1) throw new Error('an unknown form');
        const point = sealed.subarray(1, 1 + POINT_BYTES);
        const nonce = sealed.subarray(1 + POINT_BYTES, 1 + POINT_BYTES + NONCE_BYTES);
        const salt = Buffer.concat([point, own]);
        const key = hkdfSync('sha256', pair.computeSecret(point), salt, 'siteplan one-time v1', 32);
        const options = { authTagLength: TAG_BYTES };
        const decipher = createDecipheriv('aes-256-gcm', Buffer.from(key), nonce, options);
        decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
        const text = sealed.subarray(1 + POINT_BYTES + NONCE_BYTES, sealed.length - TAG_BYTES);
        return Buffer.concat([decipher.update(text), decipher.final()]);
      } catch (cause) {
        throw new CliError('failed', 'What came was not sealed to this command’s key. Ask again.', { cause });
      }
    },
  };
}
