import { checkHosts } from '@/lib/health/checks';
import type { LinkCell, PreflightResult } from '@/lib/run/job-view';
import { makeFacts } from '@/lib/testing/make-facts';
import type { Topology } from '@/lib/topology/topology';

/** What some of the eight hosts are like, by name; all others meet every check. */
const ODD: Readonly<Record<string, Partial<ReturnType<typeof makeFacts>>>> = {
  s2: { memoryMiB: 3_900, swapMiB: 2_048 },
  s3: { hostname: 's2', dataFreeGiB: 6 },
  a2: { cpus: 1, missingTools: ['tar'] },
  lb1: { listening: [{ protocol: 'tcp', address: '0.0.0.0', port: 6443 }] } as Partial<
    ReturnType<typeof makeFacts>
  >,
};

/** The result of a whole preflight of eight hosts, with words of the real checks and one blocked port between two hosts. */
export function toEightHostsResult(topology: Topology, revision: number, takenAt: string): PreflightResult {
  const facts = topology.nodes.map((node) => makeFacts(topology, node, ODD[node.name] ?? {}));
  const link = (fromId: string, toId: string, isBlocked: boolean): LinkCell => ({
    ...{ fromId, toId, checkId: 'reach-tcp', takenAt },
    status: isBlocked ? 'fail' : 'ok',
    value: isBlocked ? 'tcp 9345 blocked' : 'all 4 open',
    ports: [6443, 9345, 10250, 4240].map((port) => ({
      ...{ ruleId: `tcp-${port}`, protocol: 'tcp' as const, port, need: 'required' as const },
      state: isBlocked && port === 9345 ? ('blocked' as const) : ('open' as const),
    })),
  });
  const links = topology.nodes.flatMap((from) =>
    topology.nodes
      .filter((to) => to.id !== from.id && to.role !== 'lb')
      .map((to) => link(from.id, to.id, from.name === 'a3' && to.name === 's1')),
  );
  const cells = checkHosts(topology, facts, { links }).map((cell) => ({ ...cell, takenAt }));
  const scope = { nodeIds: null, checkIds: null };
  return { revision, scope, cells, links, unreachable: [], notes: [], takenAt };
}
