import { toCount } from '@/lib/core/text';
import type { Role } from '@/lib/topology/topology';
import type { VerdictState } from './site-now';
import type { Verdict } from './verdict';

export interface NodeVerdict {
  readonly name: string;
  readonly role: Role;
  readonly verdict: Verdict;
}

/**
 * What health says of a site. Down: so many servers are down that etcd has lost its quorum. Stale: so many are down or
 * silent that nobody can say it has not, or nothing is known of any node. Anything else that is wrong anywhere makes it
 * degraded. Monotone: a node that gets worse never makes its site better.
 */
export function toSiteVerdict(nodes: readonly NodeVerdict[]): Verdict {
  if (nodes.length === 0) return { state: 'stale', reasons: ['the site has no nodes'] };
  const servers = nodes.filter(({ role }) => role === 'server');
  const inState = (list: readonly NodeVerdict[], ...states: VerdictState[]) =>
    list.filter(({ verdict }) => states.includes(verdict.state));
  const mayFail = servers.length - (Math.floor(servers.length / 2) + 1);
  const reasons = toReasons(nodes);
  const down = inState(servers, 'down').length;
  const unknown = inState(servers, 'down', 'stale').length;
  if (servers.length > 0 && down > mayFail) {
    const left = servers.length - down;
    return {
      state: 'down',
      reasons: [`no quorum: ${left} of ${toCount(servers.length, 'server')} left`, ...reasons],
    };
  }
  if (servers.length > 0 && unknown > mayFail) {
    return { state: 'stale', reasons: ['quorum is not known', ...reasons] };
  }
  if (inState(nodes, 'down', 'stale').length === nodes.length) return { state: 'stale', reasons };
  if (inState(nodes, 'down', 'stale', 'degraded').length > 0) return { state: 'degraded', reasons };
  if (inState(nodes, 'provisioning').length > 0) return { state: 'provisioning', reasons };
  return { state: 'healthy', reasons: [] };
}

const MAX_REASONS = 5;
const WORST_FIRST: readonly VerdictState[] = ['down', 'stale', 'degraded', 'provisioning'];

/** One line per node that is not healthy, the worst first, with its first reason. */
function toReasons(nodes: readonly NodeVerdict[]): string[] {
  const lines = WORST_FIRST.flatMap((state) =>
    nodes
      .filter(({ verdict }) => verdict.state === state)
      .map(({ name, verdict }) => `${name}: ${verdict.reasons[0] ?? state}`),
  );
  if (lines.length <= MAX_REASONS) return lines;
  return [...lines.slice(0, MAX_REASONS), `and ${toCount(lines.length - MAX_REASONS, 'more node')}`];
}
