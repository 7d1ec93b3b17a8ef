import { canonicalJson } from '@/lib/core/hash';
import { Topology } from '@/lib/topology/topology';
import { readAt, setAt } from './document';
import type { LooseDocument } from './document';
import type { FieldSpec } from './network-groups';

/** True while the document asks for this field. */
export function isShown({ when }: FieldSpec, document: LooseDocument): boolean {
  return when === undefined || when.is.includes(readAt(document, when.path));
}

/** The document after a choice; another source of release files takes its own members along. */
export function choose(document: LooseDocument, spec: FieldSpec, value: string): LooseDocument {
  if (spec.path.join('.') !== 'rke2.artifacts.from') return setAt(document, spec.path, value);
  return setAt(document, ['rke2', 'artifacts'], { from: value, ...(value === 'mirror' && { url: '' }) });
}

const DEFAULTS = Topology.parse({ pattern: 'custom' });

/** How many of these fields differ from their defaults. */
export function countNonDefaults(specs: readonly FieldSpec[], document: LooseDocument): number {
  const asJson = (value: unknown) => canonicalJson(value ?? null);
  return specs.filter((spec) => asJson(readAt(document, spec.path)) !== asJson(readAt(DEFAULTS, spec.path)))
    .length;
}
