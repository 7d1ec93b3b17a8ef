import type { PreflightResult, PreflightScope } from './job-view';

/** True for a result of all hosts and all checks. */
export function isFull({ scope }: { readonly scope: PreflightScope }): boolean {
  return scope.nodeIds === null && scope.checkIds === null;
}

/**
 * What is known after a preflight of some cells: what was in its scope is replaced by what it found, also by nothing; the
 * rest stays, each cell with its own time. Links go by the node that dials. Start from the newest full result of a
 * revision and fold the later partial ones over it, in the order in which they ended.
 */
export function mergePreflight(base: PreflightResult | null, next: PreflightResult): PreflightResult {
  if (!base || isFull(next)) return next;
  const { nodeIds, checkIds } = next.scope;
  const hasNode = (id: string) => nodeIds?.includes(id) ?? true;
  const hasCheck = (id: string) => checkIds?.includes(id) ?? true;
  // Only all of its checks make a host that could not be read one that was: a part says nothing of the rest.
  const isRead = (id: string) => hasNode(id) && checkIds === null;
  const failed = new Set(next.unreachable.map(({ nodeId }) => nodeId));
  return {
    ...next,
    scope: base.scope,
    cells: [
      ...base.cells.filter(({ nodeId, checkId }) => !(hasNode(nodeId) && hasCheck(checkId))),
      ...next.cells,
    ],
    links: [
      ...base.links.filter(({ fromId, checkId }) => !(hasNode(fromId) && hasCheck(checkId))),
      ...next.links,
    ],
    unreachable: [
      ...base.unreachable.filter(({ nodeId }) => !failed.has(nodeId) && !isRead(nodeId)),
      ...next.unreachable,
    ],
    notes: [...new Set([...base.notes, ...next.notes])],
  };
}
