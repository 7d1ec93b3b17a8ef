import { AppError } from '@/lib/core/errors';
import { NodeId } from '@/lib/core/ids';
import { parseTopology } from '@/lib/topology/parse-topology';
import { reconcileNodeIds } from '@/lib/topology/reconcile-node-ids';
import { Topology } from '@/lib/topology/topology';
import { newId } from '../context';
import { parseInput } from '../parse-input';

/** A topology as sent: a document (object) or YAML text. Node ids come from `previous` by id or name, or are new. */
export function parseDocument(input: unknown, previous: Topology | null): Topology {
  const newNodeId = () => NodeId.parse(newId('n'));
  if (typeof input === 'string') return parseTopology(input, { previous, newId: newNodeId });
  if (typeof input !== 'object' || input === null) throw new AppError('invalid', 'topology: not a document.');
  return parseInput(Topology, reconcileNodeIds(input, previous, newNodeId));
}
