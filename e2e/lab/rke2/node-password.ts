import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ApiClient } from './api-client';
import type { ApiObject } from './api-object';
import { kinds } from './api-resources';
import { ApiError } from './api-store';

/** Outside of the data folder, so that it survives an upgrade; rke2-uninstall.sh removes it (facts 1.4, 3.3). */
const nodePasswordPath = '/etc/rancher/node/password';

/** The password by which a host proves to be the one that registered its node name first; made on first use. */
export function ensureNodePassword(path = nodePasswordPath): string {
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    writeFileSync(path, `${randomBytes(16).toString('hex')}\n`, { mode: 0o600 });
  }
  return readFileSync(path, 'utf8').trim();
}

export const nodePasswordRejected =
  "Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match server " +
  'node-passwd entry, try enabling a unique node name with the --with-node-id flag';

export function nodePasswordSecret(nodeName: string): string {
  return `${nodeName}.node-password.rke2`;
}

/**
 * Compares a node's password with the hash in its Secret, or stores the hash when the node is new (k3s nodepassword).
 * False: another host has that name. Rejects when the API does not answer.
 */
export async function checkNodePassword(
  client: ApiClient,
  nodeName: string,
  password: string,
): Promise<boolean> {
  const name = nodePasswordSecret(nodeName);
  const existing = await client.find(kinds.secret, 'kube-system', name);
  if (existing !== null) return matches(readHash(existing), password);
  const data = { hash: Buffer.from(hashPassword(password)).toString('base64') };
  const secret: ApiObject = {
    metadata: { name, namespace: 'kube-system' },
    type: 'Opaque',
    immutable: true,
    data,
  };
  try {
    await client.request('POST', '/api/v1/namespaces/kube-system/secrets', secret);
    return true;
  } catch (error) {
    // Two first contacts at the same time: the one that was stored counts.
    if (error instanceof ApiError && error.code === 409) return checkNodePassword(client, nodeName, password);
    throw error;
  }
}

function readHash(secret: ApiObject): string {
  // checkNodePassword wrote it; anything else matches no password.
  const data = secret['data'] as { hash?: string } | undefined;
  return Buffer.from(data?.hash ?? '', 'base64').toString();
}

/** `$1:SALT:LOG2N:R:P:HASH`, scrypt, as k3s writes it. */
export function hashPassword(password: string): string {
  const salt = randomBytes(8).toString('hex');
  return `$1:${salt}:15:8:1:${derive(password, salt).toString('base64')}`;
}

export function matches(hash: string, password: string): boolean {
  const [, salt, wanted] = /^\$1:([0-9a-f]+):15:8:1:([A-Za-z0-9+/=]+)$/.exec(hash) ?? [];
  if (salt === undefined || wanted === undefined) return false;
  const [given, stored] = [derive(password, salt), Buffer.from(wanted, 'base64')];
  return given.length === stored.length && timingSafeEqual(given, stored);
}

function derive(password: string, salt: string): Buffer {
  return scryptSync(password, salt, 64, { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 });
}
