import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runOrThrow } from '../command';
import { checkLabSupport } from '../support';
import { ensureCa, ensureLeaf, isKeyOf, readLeaf } from './certificates';
import type { LeafSpec } from './certificates';

const dayMs = 86_400_000;

describe.skipIf(checkLabSupport() !== null)('certificates', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rke2-test-'));
  const ca = join(folder, 'server-ca');
  const leaf = (sans: string[]): LeafSpec => ({
    path: join(folder, 'leaf'),
    ca,
    commonName: 'kube-apiserver',
    usages: ['serverAuth'],
    sans,
  });
  const first = leaf(['k8s.example.net', '192.0.2.10', '::1']);
  const daysLeft = (path: string) =>
    Math.round((Date.parse(readLeaf(path)?.validTo ?? '') - Date.now()) / dayMs);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('lasts ten years for a CA and a year for a leaf, which the CA verifies', async () => {
    ensureCa(ca, 'rke2-server-ca');
    expect(ensureLeaf(first, Date.now())).toBe('issued');
    expect([daysLeft(`${ca}.crt`), daysLeft(`${first.path}.crt`)]).toEqual([3650, 365]);
    expect(readLeaf(`${ca}.crt`)?.subject).toMatch(/^CN=rke2-server-ca@\d+$/);
    await runOrThrow([
      'openssl',
      'verify',
      '-purpose',
      'sslserver',
      '-CAfile',
      `${ca}.crt`,
      `${first.path}.crt`,
    ]);
  });

  it('is kept until 120 days before its end, then extended with the same key', () => {
    const key = readFileSync(`${first.path}.key`, 'utf8');
    const text = readFileSync(`${first.path}.crt`, 'utf8');
    expect(ensureLeaf(first, Date.now() + 244 * dayMs)).toBe('kept');
    expect(readFileSync(`${first.path}.crt`, 'utf8')).toBe(text);
    expect(ensureLeaf(first, Date.now() + 246 * dayMs)).toBe('renewed');
    expect(readFileSync(`${first.path}.crt`, 'utf8')).not.toBe(text);
    expect(readFileSync(`${first.path}.key`, 'utf8')).toBe(key);
    expect(isKeyOf(`${first.path}.crt`, `${first.path}.key`)).toBe(true);
  });

  it('is issued anew when a name is added or the CA is another', () => {
    expect(ensureLeaf(leaf(['k8s.example.net', '192.0.2.10', '::1', 'new.example.net']), Date.now())).toBe(
      'issued',
    );
    expect(readLeaf(`${first.path}.crt`)?.subjectAltName).toContain('DNS:new.example.net');
    const other = { ...leaf(['k8s.example.net']), ca: join(folder, 'other-ca') };
    ensureCa(other.ca, 'other');
    ensureLeaf(leaf(['k8s.example.net']), Date.now());
    expect(ensureLeaf(other, Date.now())).toBe('issued');
  });
});
