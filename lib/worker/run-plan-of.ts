import type { Failure } from '@/lib/core/failure';
import { canonicalJson } from '@/lib/core/hash';
import type { NodeId } from '@/lib/core/ids';
import { StaleEpochError } from '@/lib/db/errors';
import { readPlanFacts } from '@/lib/db/node-facts';
import { appendRunEvents, readRunSteps, type ClaimedRun } from '@/lib/db/run-log';
import type { SiteClaim } from '@/lib/db/site-lease';
import { buildPlan } from '@/lib/plan/build-plan';
import { hashFacts } from '@/lib/plan/hash-facts';
import { Plan } from '@/lib/plan/plan';
import { createRedaction } from '@/lib/provision/redact';
import { executeRun } from '@/lib/provision/run-engine';
import type { RunState } from '@/lib/run/run-event';
import { toEndState } from '@/lib/run/to-end-state';
import { HostError } from '@/lib/ssh/host-error';
import { firstServer } from '@/lib/topology/find-node';
import { listSecretRefs } from '@/lib/topology/list-secret-refs';
import type { Topology } from '@/lib/topology/topology';
import { createFactsReader, type KnownSecrets } from './facts-reader';
import { isForLater, toFailure } from './failure-of';
import { followCancel } from './follow-cancel';
import { readRevision } from './read-topology';
import { readSecrets } from './secret-store';
import { listSiteCredentials } from './host-target';
import type { SiteHosts } from './site-hosts';
import type { SiteWatch } from './site-watch';
import type { WorkerContext } from './worker-context';

interface PreparedRun {
  readonly plan: Plan;
  readonly topology: Topology;
  readonly secrets: KnownSecrets;
  readonly hosts: SiteHosts;
}

function planStale(message: string): HostError {
  return new HostError({
    code: 'plan-stale',
    message,
    nextAction: 'Make a new plan, read it, then apply that one.',
  });
}

/** Reads the hosts again: what a person approved must still be what would happen (contract 5). */
async function refuseChangedHosts(context: WorkerContext, run: PreparedRun): Promise<void> {
  const { plan, topology, secrets, hosts } = run;
  const read = createFactsReader(hosts, topology, secrets);
  const nodes = await Promise.all(topology.nodes.map(({ id }) => read(id)));
  context.signal.throwIfAborted();
  if (hashFacts(nodes.map(({ facts }) => facts)) !== plan.factsHash) {
    throw planStale('The hosts changed after this plan was made, so it was not started.');
  }
}

/** The plan, planned again from its revision and stored facts; a row that was tampered with is refused (contract 4). */
async function prepareRun(
  context: WorkerContext,
  claim: SiteClaim,
  run: ClaimedRun,
  watch: SiteWatch,
): Promise<PreparedRun> {
  const row = await context.db.prisma.plan.findUniqueOrThrow({ where: { id: run.planId } });
  const { topology } = await readRevision(context.db, claim.siteId, row.revision);
  const facts = await readPlanFacts(context.db, run.planId);
  const stored = Plan.parse(row.body);
  const { kind } = stored;
  const plan = buildPlan({ siteId: claim.siteId, topology, revision: row.revision, kind, facts });
  // Equal ids say that the work is the approved one; equal bodies, that it is also what the person was shown.
  if (plan.id !== run.planId || canonicalJson(plan) !== canonicalJson(stored)) {
    throw planStale('The stored plan is not what this release plans from the same revision and facts.');
  }
  const secrets = await readSecrets(context, listSecretRefs(topology));
  return { plan, topology, secrets, hosts: watch.hostsFor(topology) };
}

async function execute(
  context: WorkerContext,
  claim: SiteClaim,
  run: ClaimedRun,
  prepared: PreparedRun,
): Promise<RunState> {
  const { plan, topology, secrets, hosts } = prepared;
  const values = new Map(secrets.map(({ ref, value }) => [`${ref.id} ${ref.version}`, value]));
  const first = firstServer(topology);
  const passwords = await listSiteCredentials(context, topology);
  const cancel = followCancel(context, run, claim.epoch);
  try {
    return await executeRun({
      db: context.db,
      runId: run.runId,
      epoch: claim.epoch,
      installationId: context.installationId,
      plan,
      // The connection is shared with the sampler, so the engine's `close` must not end it.
      connect: async (nodeId) => ({ ...(await hosts.connect(nodeId as NodeId)), close: () => undefined }), // ids of the plan are the topology's
      ...(first && { firstServerId: first.id }),
      secretValue: (ref) => values.get(`${ref.id} ${ref.version}`),
      redaction: createRedaction([...values.values(), ...passwords]),
      ...(context.artifacts && { artifacts: context.artifacts }),
      isCancelRequested: cancel.isRequested,
      ...(run.onlyNodeId !== null && { onlyNodeId: run.onlyNodeId }),
      signal: context.signal,
    });
  } finally {
    cancel.stop();
  }
}

async function endRun(
  context: WorkerContext,
  claim: SiteClaim,
  run: ClaimedRun,
  state: RunState,
  failure: Failure,
): Promise<void> {
  await appendRunEvents(context.db, {
    runId: run.runId,
    epoch: claim.epoch,
    events: [{ type: 'run.finished', state, failure }],
    run: { state, finished: true },
  });
}

/**
 * Does a claimed run to its end: planned again, hosts compared (before the first step only), executed. Whatever goes
 * wrong before the engine takes over ends the run by its cause, in words. A database
 * that is away or a lost lease ends nothing: whoever owns the site next goes on.
 */
export async function runPlanOf(
  context: WorkerContext,
  claim: SiteClaim,
  run: ClaimedRun,
  watch: SiteWatch,
): Promise<void> {
  const { db, log, signal } = context;
  try {
    const prepared = await prepareRun(context, claim, run, watch);
    const steps = await readRunSteps(db, run.runId);
    const isUntouched = steps.every(({ state, attempt }) => state === 'waiting' && attempt === 0);
    if (isUntouched && !run.cancelRequested) await refuseChangedHosts(context, prepared);
    const state = await execute(context, claim, run, prepared);
    log.info({ runId: run.runId, state }, 'run ended');
  } catch (error) {
    if (error instanceof StaleEpochError || signal.aborted || isForLater(error)) throw error;
    const failure = toFailure(context, error);
    await endRun(context, claim, run, toEndState(failure.code), failure);
  }
}
