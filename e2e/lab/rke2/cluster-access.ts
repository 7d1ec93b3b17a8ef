import { createHash } from 'node:crypto';
import { httpsRequest } from './https-json';
import type { HttpsAnswer, HttpsRequest } from './https-json';
import { log } from './log';
import type { JoinToken } from './token';

/** A server's port 9345 whose CA has been checked against the token. */
export interface ClusterAccess {
  /** `https://ADDRESS:9345`, or the local load balancer's address. */
  url: string;
  caText: string;
  /** Rejects with RKE2's sentence for a refusal, and when there was no answer. */
  request(path: string, options?: HttpsRequest): Promise<HttpsAnswer>;
}

/** An answer of the supervisor that is not 200, with what it said. */
export class SupervisorError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const untrusted =
  'Cluster CA certificate is not trusted by the host CA bundle, but the token does not include a CA hash. ' +
  "Use the full token from the server's node-token file to enable Cluster CA validation.";

/**
 * First contact with a cluster (k3s clientaccess): takes the CA from `/cacerts`, compares its hash with the one that a
 * full token pins, checks with that CA that the server is called as we call it, then that the password is known.
 * Rejects with RKE2's sentences: `token CA hash does not match ...`, `x509: certificate is valid for ...`,
 * `... 401 Unauthorized`.
 */
export async function accessCluster(
  url: string,
  token: JoinToken,
  user: 'server' | 'node',
): Promise<ClusterAccess> {
  const { status, text: caText } = await ask(`${url}/cacerts`, null, {});
  if (status !== 200) throw new Error(`failed to get CA certs: ${url}/cacerts: ${status}`);
  const hash = createHash('sha256').update(caText).digest('hex');
  if (token.caHash === null) log.warn(untrusted);
  else if (token.caHash !== hash) {
    throw new Error(
      `token CA hash does not match the Cluster CA certificate hash: ${token.caHash} != ${hash}`,
    );
  }
  // A server always joins as one; an agent may hold the servers' token.
  const loginName = user === 'node' ? (token.user ?? user) : user;
  const isBootstrapToken = user === 'node' && /^[a-z0-9]{6}\.[a-z0-9]{16}$/.test(token.password);
  const authorization = isBootstrapToken
    ? `Bearer ${token.password}`
    : `Basic ${Buffer.from(`${loginName}:${token.password}`).toString('base64')}`;
  const ca = Buffer.from(caText);
  const request = async (path: string, options: HttpsRequest = {}) => {
    const headers = { ...options.headers, authorization };
    const answer = await ask(`${url}${path}`, ca, { ...options, headers });
    if (answer.status === 200) return answer;
    const words = readStatusMessage(answer.text);
    throw new SupervisorError(answer.status, `${url}${path}: ${answer.status} ${words}`);
  };
  await request('/apis');
  return { url, caText, request };
}

async function ask(url: string, ca: Buffer | null, options: HttpsRequest): Promise<HttpsAnswer> {
  return httpsRequest(url, { ca }, options).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_TLS_CERT_ALTNAME_INVALID') throw error;
    // Node puts the names at the end of its sentence; Go says it like this.
    const names = /altnames: (.*)$/s.exec(error.message)?.[1]?.replace(/(IP Address|DNS):/g, '') ?? '';
    const { hostname } = new URL(url);
    throw new Error(
      `tls: failed to verify certificate: x509: certificate is valid for ${names}, not ${hostname}`,
    );
  });
}

/** The message of a Kubernetes Status, or the first line of any other body. */
function readStatusMessage(text: string): string {
  try {
    return String((JSON.parse(text) as { message?: unknown }).message);
  } catch {
    return text.split('\n')[0]?.slice(0, 300) ?? '';
  }
}
