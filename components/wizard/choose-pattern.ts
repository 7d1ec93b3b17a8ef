import { canonicalJson } from '@/lib/core/hash';
import { toDefaultTopology } from '@/lib/topology/create-topology';
import type { DocumentPath } from '@/lib/topology/edit-topology';
import { NodeId } from '@/lib/core/ids';
import { Pattern } from '@/lib/topology/topology';
import type { Topology } from '@/lib/topology/topology';
import { readAt, setAt } from './document';
import type { LooseDocument } from './document';

/** What differs from pattern to pattern besides the roles of hosts. */
const PATHS: readonly DocumentPath[] = [
  ['registration', 'via'],
  ['registration', 'loadBalancer'],
  ['edge', 'relaxedTimers'],
  ['cilium', 'operatorReplicas'],
];
/** As many hosts as the largest pattern of the architecture has. */
const HOSTS = Array.from({ length: 8 }, (_, place) => ({
  id: NodeId.parse(`n-host-${place}`),
  internalIp: `192.0.2.${place + 1}`,
}));
const USUAL: Readonly<Record<Pattern, Topology>> = {
  ha: toDefaultTopology('ha', HOSTS),
  edge: toDefaultTopology('edge', HOSTS),
  custom: toDefaultTopology('custom', HOSTS),
};

/** The document in another pattern: what stands as the old pattern has it comes as the new one does; the rest stays. */
export function choosePattern(document: LooseDocument, pattern: Pattern): LooseDocument {
  const before = USUAL[Pattern.safeParse(readAt(document, ['pattern'])).data ?? 'custom'];
  const isUsual = (path: DocumentPath) =>
    canonicalJson(readAt(document, path) ?? null) === canonicalJson(readAt(before, path) ?? null);
  return PATHS.filter(isUsual).reduce(
    (result, path) => setAt(result, path, readAt(USUAL[pattern], path)),
    setAt(document, ['pattern'], pattern),
  );
}
