import { describe, expect, it } from 'vitest';
import { SecretId } from '@/lib/core/ids';
import { maskSecrets } from '@/lib/health/mask-secrets';
import { exampleLayout } from '@/lib/testing/example-layout';
import type { SecretRef } from '@/lib/topology/topology';
import { fillClusterCa, toUnpinned } from './cluster-ca';
import { renderNode } from './render-node';
import { RKE2_CONFIG_PATH } from './rke2-config';
import { fillSecretSlots } from './secret-slot';
import { toSlottedFile } from './slotted-file';

const HASH = 'a'.repeat(64);
const accessKey: SecretRef = { id: SecretId.parse('k-access'), version: 1 };
const secretKey: SecretRef = { id: SecretId.parse('k-secret'), version: 1 };
const s3 = { endpoint: 's3.example.net', bucket: 'etcd-snapshots', accessKey, secretKey };
const { etcd } = exampleLayout();
const layout = exampleLayout({ etcd: { ...etcd, snapshots: { ...etcd.snapshots, s3 } } });

/** The configuration of s2 as rendered, and as it stands on the host with these keys. */
function makeConfig(access: string, secret: string) {
  const s2 = layout.nodes.find(({ name }) => name === 's2');
  const rendered = s2 && renderNode(layout, s2.id).find(({ path }) => path === RKE2_CONFIG_PATH);
  if (!rendered) throw new Error('s2 has no configuration');
  const values: Readonly<Record<string, string>> = { 'k-access': access, 'k-secret': secret };
  const known = rendered.secrets.map((ref) => ({
    ref,
    value: values[ref.id] ?? `token-${ref.id}-of-a-site`,
  }));
  const valueOf = (ref: SecretRef) => known.find((each) => each.ref.id === ref.id)?.value;
  const found = fillClusterCa(fillSecretSlots(rendered.content, rendered.secrets, valueOf), HASH);
  const toFact = (text: string) => toUnpinned(maskSecrets(toSlottedFile(text, rendered, known)), HASH);
  return { rendered, known, found, toFact };
}

describe('a file that stands as it was rendered', () => {
  it.each([
    ['ordinary keys', 'AKIAEXAMPLE000000000', 'a-secret-key-of-the-store'],
    ['a short key', 'backup', 'a-secret-key-of-the-store'],
    ['a key that is the name of the bucket', 'etcd-snapshots', 'a-secret-key-of-the-store'],
    ['two equal keys', 'minioadmin', 'minioadmin'],
  ])('is known as that with %s', (_what, access, secret) => {
    const { rendered, found, toFact } = makeConfig(access, secret);
    expect(toFact(found)).toBe(rendered.content);
  });

  it('differs after any change, and then shows no value either', () => {
    const { rendered, found, toFact } = makeConfig('backup', 'a-secret-key-of-the-store');
    const changed = toFact(`${found}# by hand\n`);
    expect(changed).not.toBe(`${rendered.content}# by hand\n`);
    expect(changed).not.toContain('backup');
    expect(changed).not.toContain('a-secret-key');
  });

  it('is not claimed by a host that writes slots itself, nor where a secret is not known', () => {
    const { rendered, known, found, toFact } = makeConfig(
      'AKIAEXAMPLE000000000',
      'a-secret-key-of-the-store',
    );
    expect(toFact(rendered.content)).not.toBe(rendered.content);
    const fewer = known.filter(({ ref }) => ref.id !== 'k-secret');
    expect(maskSecrets(toSlottedFile(found, rendered, fewer))).toContain('etcd-s3-secret-key: ⟦masked⟧');
  });
});
