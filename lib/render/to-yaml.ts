import { Document, Scalar, visit } from 'yaml';
import type { SecretRef } from '@/lib/topology/topology';
import { CLUSTER_CA_SLOT } from './cluster-ca';
import { toSecretSlot } from './secret-slot';

/** A place for a secret in a document that will become YAML. */
export class SecretSlot {
  constructor(readonly ref: SecretRef) {}
}

/** A place for a join token that pins the CA of the cluster (`lib/render/cluster-ca`). */
export class PinnedTokenSlot {
  constructor(
    readonly user: 'server' | 'node',
    readonly ref: SecretRef,
  ) {}
}

/** What `toYaml` takes: JSON, and slots where scalars stand. `undefined` members are left out. */
export type YamlValue =
  | string
  | number
  | boolean
  | SecretSlot
  | PinnedTokenSlot
  | readonly YamlValue[]
  | { readonly [key: string]: YamlValue | undefined };

/**
 * YAML text that YAML 1.1 readers (RKE2, Helm) and YAML 1.2 readers take alike: words such as `on` or `0600` are
 * quoted, nothing is folded, no anchors. Slots stand in double quotes. Brackets of slots in ordinary strings are refused, so
 * that nobody's text can become a slot. Key order is the object's own.
 */
export function toYaml(value: YamlValue): string {
  const document = new Document(toPlain(value), { compat: 'yaml-1.1', aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value === 'string' && node.value.includes('⟦')) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({ lineWidth: 0, blockQuote: 'literal' });
}

function toPlain(value: YamlValue): unknown {
  if (value instanceof SecretSlot) return toSecretSlot(value.ref);
  if (value instanceof PinnedTokenSlot) {
    return `K10${CLUSTER_CA_SLOT}::${value.user}:${toSecretSlot(value.ref)}`;
  }
  if (typeof value === 'string') {
    if (/[⟦⟧]/.test(value)) throw new Error('text for a file holds the brackets of secret slots');
    return value;
  }
  if (typeof value !== 'object') return value;
  if (isList(value)) return value.map(toPlain);
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => (member === undefined ? [] : [[key, toPlain(member)]])),
  );
}

function isList(value: object): value is readonly YamlValue[] {
  return Array.isArray(value);
}
