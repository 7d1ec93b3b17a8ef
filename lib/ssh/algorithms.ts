import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2';

/**
 * What we offer and nothing else: no SHA-1, no CBC, no `ssh-rsa` signatures. AES-GCM first, because ChaCha20 without
 * its native add-on costs 20-30 %.
 */
const OFFER = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
  ],
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
  ],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
} as const satisfies Algorithms;

const HOST_KEYS: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/**
 * The algorithms of one connection. With `keyTypes` (types of the pinned keys, `ssh-rsa` standing for its SHA-2
 * signatures) only those host keys are asked for, so that a host with several keys shows the pinned one; with `after`
 * the others are accepted as well, from a host that has none of those.
 */
export function toAlgorithms(keyTypes?: readonly string[], others: 'none' | 'after' = 'none'): Algorithms {
  const isWanted = (algorithm: string) =>
    !keyTypes ||
    keyTypes.includes(algorithm) ||
    (algorithm.startsWith('rsa-sha2-') && keyTypes.includes('ssh-rsa'));
  const wanted = HOST_KEYS.filter(isWanted);
  return {
    kex: [...OFFER.kex],
    cipher: [...OFFER.cipher],
    hmac: [...OFFER.hmac],
    compress: [...OFFER.compress],
    // The host shows the first of these that it has (RFC 4253 7.1).
    serverHostKey: [...wanted, ...(others === 'after' ? HOST_KEYS.filter((one) => !isWanted(one)) : [])],
  };
}
