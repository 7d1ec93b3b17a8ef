/** Keys of RKE2's files whose values are secrets (RKE2 docs reference/server_config, install/private_registry). */
const SECRET_LINE =
  /^([ \t-]*["']?(?:[a-z-]*token|password|auth|identity_?token|etcd-s3-(?:access|secret)-key|[a-z_-]*secret[a-z_-]*key)["']?[ \t]*:[ \t]*)(\S.*)$/gim;
/** The head of a full join token whose password is a known secret; the CA's hash in it is none. */
const PIN = String.raw`(?:K10(?:[0-9a-f]{64}|⟦cluster-ca⟧)::(?:server|node):)`;
const SLOT = String.raw`⟦secret [a-z0-9-]+ v\d+⟧`;
/** A full join token wherever it stands (RKE2 docs security/token). */
const JOIN_TOKEN = new RegExp(String.raw`(?!${PIN}${SLOT}(?![^\s"']))K10[0-9a-f]{64}::[^\s"']+`, 'g');
const KNOWN_VALUE = new RegExp(String.raw`^["']?(?:${PIN}?${SLOT}|⟦masked⟧)["']?$`);
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;

/**
 * Text of a host's file without the secrets that nobody knows: values of secret keys, join tokens, private keys. A
 * value that is a secret slot stays, also behind the pin of a join token, because the caller has put the slots in for the
 * secrets that it knows.
 */
export function maskSecrets(text: string): string {
  return text
    .replace(PRIVATE_KEY, '⟦masked⟧')
    .replace(JOIN_TOKEN, '⟦masked⟧')
    .replace(SECRET_LINE, (line, head: string, value: string) =>
      KNOWN_VALUE.test(value.trim()) ? line : `${head}⟦masked⟧`,
    );
}
