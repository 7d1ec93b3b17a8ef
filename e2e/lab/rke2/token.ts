/**
 * A join token in either of its forms (RKE2 docs security/token): short is the password alone; full is
 * `K10<sha256 of the cluster's CA>::<user>:<password>` and pins the CA; a bootstrap token for agents stands there
 * without a user, as `<6>.<16>`.
 */
export interface JoinToken {
  caHash: string | null;
  user: string | null;
  password: string;
}

const malformed =
  'failed to normalize token; must be in format K10<CA-HASH>::<USERNAME>:<PASSWORD> or <PASSWORD>';

/** Throws RKE2's own sentence when a full token is not well formed. */
export function parseToken(text: string): JoinToken {
  const token = text.trim();
  if (!token.startsWith('K10')) {
    // A short form with a colon is read as user:password.
    const [user, password] = token.includes(':') ? token.split(':', 2) : [null, token];
    if (password === undefined || password === '' || password === null) throw new Error(malformed);
    return { caHash: null, user: user ?? null, password };
  }
  const bootstrap = /^K10([0-9a-f]{64})::([a-z0-9]{6}\.[a-z0-9]{16})$/.exec(token);
  if (bootstrap !== null) return { caHash: bootstrap[1] ?? null, user: null, password: bootstrap[2] ?? '' };
  const match = /^K10([0-9a-f]{64})::([^:]+):(.+)$/.exec(token);
  const [, caHash, user, password] = match ?? [];
  if (caHash === undefined || user === undefined || password === undefined) throw new Error(malformed);
  return { caHash, user, password };
}

export function formatToken(caHash: string, user: 'server' | 'node', password: string): string {
  return `K10${caHash}::${user}:${password}`;
}
