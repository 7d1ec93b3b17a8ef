import type { PreflightResult, PreflightScope } from './job-view';

/** True for a result of all hosts and all checks. */
export function isFull({ scope }: { readonly scope: PreflightScope }): boolean {
  return scope.nodeIds === null && scope.checkIds === null;
}

function toPlace({ nodeId, checkId }: { readonly nodeId: string; readonly checkId: string }): string {
  return `${nodeId} ${checkId}`;
}

/**
 * What is known after a preflight of some cells: what was in its scope is replaced by what it found, also by nothing; the
 * rest stays, each cell with its own time. Links go by the node that dials. Start from the newest full result of a
 * revision and fold the later partial ones over it, in the order in which they ended. What a part could not find out does
 * not take the place of what was found to fail before, which keeps its time and its links.
 */
export function mergePreflight(base: PreflightResult | null, next: PreflightResult): PreflightResult {
  if (!base || isFull(next)) return next;
  const { nodeIds, checkIds } = next.scope;
  const hasNode = (id: string) => nodeIds?.includes(id) ?? true;
  const hasCheck = (id: string) => checkIds?.includes(id) ?? true;
  // Only all of its checks make a host that could not be read one that was: a part says nothing of the rest.
  const isRead = (id: string) => hasNode(id) && checkIds === null;
  const failed = new Set(next.unreachable.map(({ nodeId }) => nodeId));
  const unknown = new Set(next.cells.filter(({ isUnknown }) => isUnknown).map(toPlace));
  const kept = new Set(
    base.cells
      .filter(({ status }) => status === 'fail')
      .map(toPlace)
      .filter((place) => unknown.has(place)),
  );
  const isOver = (nodeId: string, checkId: string) =>
    hasNode(nodeId) && hasCheck(checkId) && !kept.has(toPlace({ nodeId, checkId }));
  const isNew = (nodeId: string, checkId: string) => !kept.has(toPlace({ nodeId, checkId }));
  return {
    ...next,
    scope: base.scope,
    cells: [
      ...base.cells.filter(({ nodeId, checkId }) => !isOver(nodeId, checkId)),
      ...next.cells.filter(({ nodeId, checkId }) => isNew(nodeId, checkId)),
    ],
    links: [
      ...base.links.filter(({ fromId, checkId }) => !isOver(fromId, checkId)),
      ...next.links.filter(({ fromId, checkId }) => isNew(fromId, checkId)),
    ],
    unreachable: [
      ...base.unreachable.filter(({ nodeId }) => !failed.has(nodeId) && !isRead(nodeId)),
      ...next.unreachable,
    ],
    notes: [...new Set([...base.notes, ...next.notes])],
  };
}
