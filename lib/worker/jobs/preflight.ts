import type { Failure } from '@/lib/core/failure';
import type { NodeId } from '@/lib/core/ids';
import { StaleEpochError } from '@/lib/db/errors';
import { readNow } from '@/lib/db/read-now';
import { LINK_CHECKS, type DiskSpeed } from '@/lib/health/check-definition';
import { checkHosts, listNeeds } from '@/lib/health/checks';
import type { NodeFacts } from '@/lib/health/facts';
import { FULL_MESH_HOSTS, NEIGHBOURS, toLinkPlan } from '@/lib/health/link-plan';
import type { HostSurvey } from '@/lib/health/survey';
import type { PreflightResult, PreflightScope } from '@/lib/run/job-view';
import { findNode } from '@/lib/topology/find-node';
import { isForLater, toFailure } from '../failure-of';
import { probeLinks, type ProbedLinks } from '../preflight/probe-links';
import { readDiskSpeed, readSurvey } from '../preflight/read-host';
import { takeTurns } from '../preflight/take-turns';
import { gatherFacts } from './gather-facts';
import { forEachNode, type JobContext } from './job-context';

/**
 * The matrix host × check from fresh readings, and the port matrix dialled between all pairs; hosts that could not be
 * read stand beside it with the reason. It reads only, but for two things that end with it: listeners on the ports that
 * the cluster will use, and a few MB of synced writes on each server in a file without a name. `scope` leaves out what
 * nobody asked for; what a chosen check compares with is still read from the other hosts.
 */
export function runPreflight(
  job: JobContext,
  scope: PreflightScope = { nodeIds: null, checkIds: null },
): Promise<PreflightResult> {
  return takeTurns(job, () => checkSite(job, scope));
}

async function checkSite(job: JobContext, scope: PreflightScope): Promise<PreflightResult> {
  const checkIds = scope.checkIds ? new Set(scope.checkIds) : undefined;
  const needs = listNeeds(checkIds);
  const chosen = job.topology.nodes.map(({ id }) => id).filter((id) => scope.nodeIds?.includes(id) ?? true);
  const isChosen = new Set<string>(chosen);
  const isCompared = needs.has('all-facts') || needs.has('links') || needs.has('vip');
  const gathered = await gatherFacts(job, isCompared ? undefined : chosen);
  const facts = gathered.flatMap((node) => ('facts' in node ? [node.facts] : []));
  const { surveys, diskSpeeds, unread } = await readHosts(job, facts, needs, isChosen);
  // When all of a host's checks were asked for, one that could not be looked at is no host that was read.
  const lost = scope.checkIds === null ? unread : [];
  const unreachable = [...gathered, ...lost].flatMap((node) =>
    'failure' in node && isChosen.has(node.nodeId) ? [node] : [],
  );
  const isRead = new Set([...isChosen].filter((id) => !unreachable.some(({ nodeId }) => nodeId === id)));
  const links = await dial(job, { facts, surveys, from: isRead, checkIds, needs });
  const now = await readNow(job.db.pool);
  const takenAt = now.toISOString();
  const cells = checkHosts(job.topology, facts, {
    ...(needs.has('survey') && { surveys }),
    diskSpeeds,
    links: links.links,
    vips: links.vips,
    nowMs: now.getTime(),
    nodeIds: isRead,
    ...(checkIds && { checkIds }),
  });
  return {
    revision: job.revision,
    scope,
    cells: cells.map((cell) => ({ ...cell, takenAt })),
    links: links.links.map((link) => ({ ...link, ports: [...link.ports], takenAt })),
    unreachable,
    notes: [...(diskSpeeds.size > 0 ? [DISK_NOTE] : []), ...links.notes],
    takenAt,
  };
}

const DISK_NOTE =
  'On each server a few MB were written and synced, in a file without a name, to time the disk; nothing of it is left.';

interface HostReadings {
  readonly surveys: ReadonlyMap<string, HostSurvey>;
  readonly diskSpeeds: ReadonlyMap<string, DiskSpeed>;
  /** Hosts without the survey that was asked for, and why. */
  readonly unread: readonly { readonly nodeId: NodeId; readonly failure: Failure }[];
}

/** Surveys of every host, because some checks compare them; the disk is timed only where it was asked for. */
async function readHosts(
  job: JobContext,
  facts: readonly NodeFacts[],
  needs: ReturnType<typeof listNeeds>,
  isChosen: ReadonlySet<string>,
): Promise<HostReadings> {
  const surveys = new Map<string, HostSurvey>();
  const diskSpeeds = new Map<string, DiskSpeed>();
  const unread: { nodeId: NodeId; failure: Failure }[] = [];
  if (!needs.has('survey') && !needs.has('disk-speed')) return { surveys, diskSpeeds, unread };
  const ids = facts.map(({ nodeId }) => nodeId);
  await job.progress(`looking at ${ids.length === 1 ? 'one host' : `${ids.length} hosts`} more closely`);
  await forEachNode(ids, async (nodeId) => {
    const node = findNode(job.topology, nodeId);
    if (!node) return;
    job.signal.throwIfAborted();
    try {
      const connection = await job.hosts.connect(nodeId);
      const shell = connection.openShell();
      try {
        if (needs.has('survey')) surveys.set(nodeId, await readSurvey(shell, job.topology, node));
        if (needs.has('disk-speed') && node.role === 'server' && isChosen.has(nodeId))
          diskSpeeds.set(nodeId, await readDiskSpeed(shell));
      } finally {
        shell.close();
      }
    } catch (error) {
      if (error instanceof StaleEpochError || isForLater(error)) throw error;
      // Where only some checks were asked for, its cells say that nothing is known.
      job.log.warn({ err: error, nodeId }, 'a host could not be surveyed');
      if (needs.has('survey') && !surveys.has(nodeId))
        unread.push({ nodeId, failure: toFailure(job, error) });
      if (node.role === 'server' && isChosen.has(nodeId) && needs.has('disk-speed'))
        diskSpeeds.set(nodeId, { unknown: 'this part of the host could not be read' });
    }
  });
  return { surveys, diskSpeeds, unread };
}

interface DialOptions {
  readonly facts: readonly NodeFacts[];
  readonly surveys: ReadonlyMap<string, HostSurvey>;
  readonly from: ReadonlySet<string>;
  readonly checkIds: ReadonlySet<string> | undefined;
  readonly needs: ReturnType<typeof listNeeds>;
}

async function dial(
  job: JobContext,
  { facts, surveys, from, checkIds, needs }: DialOptions,
): Promise<ProbedLinks & { readonly notes: string[] }> {
  const chosen = new Set<string>(
    LINK_CHECKS.filter((id) => needs.has('links') && (checkIds?.has(id) ?? true)),
  );
  // Whole packets are judged beside small ones: a host that answers no echo says nothing about its path.
  const dialled = chosen.has('path-mtu') ? new Set([...chosen, 'reach-ping']) : chosen;
  const plan = toLinkPlan(job.topology, { facts, surveys, from, checkIds: dialled });
  const askers = needs.has('vip') ? findVipAskers(job, facts, from) : [];
  if (plan.dials.length === 0 && askers.length === 0) return { links: [], vips: new Map(), notes: [] };
  const { links, vips } = await probeLinks(job, plan, facts, askers);
  const notes = [
    ...(plan.listeners.size > 0
      ? ['Listeners stood open on the hosts while they were dialled, and are closed again.']
      : []),
    ...(plan.pairsLeftOut > 0
      ? [
          `${plan.pairsLeftOut} pairs of hosts were not dialled: above ${FULL_MESH_HOSTS} hosts an agent dials the servers, the load balancers and its next ${NEIGHBOURS} neighbours.`,
        ]
      : []),
  ];
  return { links: links.filter(({ checkId }) => chosen.has(checkId)), vips, notes };
}

/** Load balancers that do not have the virtual IP themselves: on their network somebody else may have it. */
function findVipAskers(job: JobContext, facts: readonly NodeFacts[], from: ReadonlySet<string>): NodeId[] {
  const { vip, loadBalancer } = job.topology.registration;
  if (vip === undefined || loadBalancer !== 'managed') return [];
  const isHeld = facts.some(({ addresses }) => addresses.some(({ address }) => address === vip));
  if (isHeld) return [];
  return job.topology.nodes.filter(({ id, role }) => role === 'lb' && from.has(id)).map(({ id }) => id);
}
