import { NodeId } from '@/lib/core/ids';
import { parseTopologyDocument } from '@/lib/topology/parse-topology-document';
import { parseTopology } from '@/lib/topology/parse-topology';
import type { Topology } from '@/lib/topology/topology';
import { newId } from '../context';

/** A topology as sent: a document (object) or YAML text. Node ids come from `previous` by id or name, or are new. */
export function parseDocument(input: unknown, previous: Topology | null): Topology {
  const options = { previous, newId: () => NodeId.parse(newId('n')) };
  return typeof input === 'string' ? parseTopology(input, options) : parseTopologyDocument(input, options);
}
