import { randomInt } from 'node:crypto';
import type { ApiClient } from './api-client';
import type { ApiObject } from './api-object';
import { kinds } from './api-resources';

/** A token that lets agents join until it ends: Kubernetes' bootstrap token Secret (facts 3.3). */
export interface BootstrapToken {
  id: string;
  secret: string;
  /** ISO 8601, or null: never. */
  expires: string | null;
  description: string;
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A new token `<6>.<16>`, not stored anywhere. */
export function generateBootstrapToken(): string {
  const characters = (count: number) =>
    Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)]).join('');
  return `${characters(6)}.${characters(16)}`;
}

export function bootstrapSecretName(id: string): string {
  return `bootstrap-token-${id}`;
}

export function toBootstrapSecret(token: BootstrapToken): ApiObject {
  const encode = (text: string) => Buffer.from(text).toString('base64');
  const values: Record<string, string> = {
    'token-id': token.id,
    'token-secret': token.secret,
    description: token.description,
    'usage-bootstrap-authentication': 'true',
    'auth-extra-groups': 'system:bootstrappers:rke2:default-node-token',
    ...(token.expires === null ? {} : { expiration: token.expires }),
  };
  return {
    metadata: { name: bootstrapSecretName(token.id), namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, encode(value)])),
  };
}

function readBootstrapSecret(object: ApiObject): BootstrapToken {
  const data = (object['data'] ?? {}) as Record<string, string>;
  const read = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString();
  return {
    id: read('token-id'),
    secret: read('token-secret'),
    expires: read('expiration') || null,
    description: read('description'),
  };
}

export async function listBootstrapTokens(client: ApiClient): Promise<BootstrapToken[]> {
  const secrets = await client.list(kinds.secret, 'kube-system');
  return secrets.filter((item) => item['type'] === 'bootstrap.kubernetes.io/token').map(readBootstrapSecret);
}

/** The stored token with this id and secret that has not ended, or null. Rejects when the API does not answer. */
export async function findBootstrapToken(client: ApiClient, token: string): Promise<BootstrapToken | null> {
  const [id = '', secret = ''] = token.split('.');
  const object = await client.find(kinds.secret, 'kube-system', bootstrapSecretName(id));
  if (object === null) return null;
  const found = readBootstrapSecret(object);
  const isAlive = found.expires === null || Date.parse(found.expires) > Date.now();
  return isAlive && found.secret === secret ? found : null;
}
