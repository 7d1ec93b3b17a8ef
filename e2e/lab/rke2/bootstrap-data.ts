import { createCipheriv, createDecipheriv, createHash, pbkdf2Sync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { EtcdClient } from './etcd-client';
import type { Layout } from './layout';
import { caPaths } from './server-certificates';

const rounds = 4096;

/**
 * What a server must have before it can sign anything: all CA certificates and keys, by path below `server/`.
 */
export function readBootstrapFiles(layout: Layout): Record<string, string> {
  const paths = caPaths(layout).flatMap(({ path }) => [`${path}.crt`, `${path}.key`]);
  const all = [...paths, join(layout.tls, 'service.key')].filter((path) => existsSync(path));
  return Object.fromEntries(all.map((path) => [relative(layout.server, path), readFileSync(path, 'utf8')]));
}

export function writeBootstrapFiles(layout: Layout, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(layout.server, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, text, { mode: 0o600 });
  }
}

function encrypt(text: string, password: string): string {
  const [salt, iv] = [randomBytes(8), randomBytes(12)];
  const cipher = createCipheriv('aes-256-gcm', pbkdf2Sync(password, salt, rounds, 32, 'sha256'), iv);
  const sealed = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  return `${salt.toString('hex')}:${Buffer.concat([iv, sealed]).toString('base64')}`;
}

function decrypt(text: string, password: string): string {
  const [salt = '', rest = ''] = text.split(':');
  const bytes = Buffer.from(rest, 'base64');
  const key = pbkdf2Sync(password, Buffer.from(salt, 'hex'), rounds, 32, 'sha256');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(-16));
  return decipher.update(bytes.subarray(12, -16)).toString() + decipher.final().toString();
}

function keyOf(password: string): string {
  return `/bootstrap/${createHash('sha256').update(password).digest('hex').slice(0, 12)}`;
}

/**
 * The CAs and keys that etcd holds, opened with the server token, or null when it holds none. Throws RKE2's sentence
 * for a token other than the one the data was encrypted with (facts 3.3, 13 row 1).
 */
export async function findBootstrapFiles(
  etcd: EtcdClient,
  password: string,
): Promise<Record<string, string> | null> {
  const { entries } = await etcd.list('/bootstrap/');
  const ours = entries.find((entry) => entry.key === keyOf(password));
  if (ours === undefined && entries.length > 0)
    throw new Error('bootstrap data already found and encrypted with different token');
  // encrypt() wrote it from readBootstrapFiles.
  return ours === undefined ? null : (JSON.parse(decrypt(ours.value, password)) as Record<string, string>);
}

/** Stores the CAs in etcd, encrypted with the server token. */
export async function storeBootstrapFiles(etcd: EtcdClient, layout: Layout, password: string): Promise<void> {
  await etcd.putIf(keyOf(password), encrypt(JSON.stringify(readBootstrapFiles(layout)), password), '0');
}

/** Encrypts what is stored with another token; the old one opens nothing afterwards, except older snapshots. */
export async function rotateBootstrapPassword(
  etcd: EtcdClient,
  oldPassword: string,
  newPassword: string,
): Promise<void> {
  if (oldPassword === newPassword) return;
  const files = await findBootstrapFiles(etcd, oldPassword);
  if (files === null) throw new Error('no bootstrap data found');
  await etcd.put(keyOf(newPassword), encrypt(JSON.stringify(files), newPassword));
  const old = await etcd.get(keyOf(oldPassword));
  if (old !== null) await etcd.deleteIf(old.key, old.revision);
}
