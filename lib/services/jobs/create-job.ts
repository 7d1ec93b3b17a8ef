import { z } from 'zod';
import type { Permission } from '@/lib/access/permission';
import { AppError } from '@/lib/core/errors';
import { canonicalJson } from '@/lib/core/hash';
import { toSafeLine } from '@/lib/core/text';
import { WORK_CHANNEL } from '@/lib/db/site-lease';
import { CHECKS } from '@/lib/health/checks';
import { PlanKind } from '@/lib/plan/plan';
import type { JobKind, JobView } from '@/lib/run/job-view';
import type { JobParams } from '@/lib/run/job-params';
import { NO_CHECKS } from '@/lib/run/preflight-gate';
import { isOneTimeKey } from '@/lib/secrets/seal-to';
import type { Topology } from '@/lib/topology/topology';
import type { ServiceContext } from '../context';
import { authoriseOnSite, newId } from '../context';
import { authoriseCredentialUse } from '../credentials/authorise-use';
import { parseInput } from '../parse-input';
import { findChecks } from '../preflight/find-checks';
import { refuseWhileRun } from '../preflight/keep-apart';
import { takeRate } from '../take-rate';
import { findNewestTopology } from '../topology/find-stored';
import { transact } from '../transact';
import { toJobView } from './to-job-view';

export const CreateJobInput = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('scan'), siteId: z.string() }),
  /** `nodeIds`, `checkIds`: only these cells again, laid over the newest whole preflight; absent means all. */
  z.strictObject({
    kind: z.literal('preflight'),
    siteId: z.string(),
    nodeIds: z.array(z.string()).min(1).max(1_000).optional(),
    checkIds: z.array(z.string()).min(1).max(200).optional(),
  }),
  z.strictObject({ kind: z.literal('plan'), siteId: z.string(), planKind: PlanKind.default('apply') }),
  z.strictObject({
    kind: z.literal('kubeconfig'),
    siteId: z.string(),
    publicKey: z.string().refine(isOneTimeKey, 'not a P-256 public key in base64'),
  }),
]);
export type CreateJobInput = z.input<typeof CreateJobInput>;

const PERMISSION_OF: Readonly<Record<JobKind, Permission>> = {
  scan: 'job.create',
  preflight: 'job.create',
  plan: 'job.create',
  kubeconfig: 'kubeconfig.get',
};

function toParams(input: z.output<typeof CreateJobInput>, revision: number): JobParams {
  switch (input.kind) {
    case 'scan':
      return { kind: 'scan', revision };
    case 'preflight':
      return {
        kind: 'preflight',
        revision,
        ...(input.nodeIds && { nodeIds: [...new Set(input.nodeIds)].sort() }),
        ...(input.checkIds && { checkIds: [...new Set(input.checkIds)].sort() }),
      };
    case 'plan':
      return { kind: 'plan', revision, planKind: input.planKind };
    case 'kubeconfig':
      return { kind: 'kubeconfig', publicKey: input.publicKey };
  }
}

/**
 * Some cells alone are only of use beside all others: throws `precondition-failed` unless all checks were run for this
 * revision, and `invalid` for nodes and checks that are not there.
 */
async function refuseUnknownCells(
  ctx: ServiceContext,
  { siteId, nodeIds, checkIds }: Extract<z.output<typeof CreateJobInput>, { kind: 'preflight' }>,
  revision: number,
  { nodes }: Topology,
): Promise<void> {
  if (!nodeIds && !checkIds) return;
  const node = nodeIds?.find((id) => !nodes.some((each) => each.id === id));
  if (node !== undefined)
    throw new AppError('invalid', `nodeIds: this site has no node ${toSafeLine(node, 80)}.`);
  const check = checkIds?.find((id) => !CHECKS.some((each) => each.id === id));
  if (check !== undefined)
    throw new AppError('invalid', `checkIds: there is no check ${toSafeLine(check, 80)}.`);
  const found = await findChecks({ prisma: ctx.db.prisma, sql: ctx.db.pool }, siteId);
  if (found?.result.revision === revision) return;
  throw new AppError(
    'precondition-failed',
    found ? 'The topology changed since the checks. Run all of them again first.' : NO_CHECKS,
  );
}

/**
 * Files reading work on a site for a worker: a row and a nudge; the answer comes with the job's result (contract 5).
 * The same job that still waits is not filed twice. Signing in with the stored credentials is checked here too. Throws
 * `conflict` for checks while a run of the site is active.
 */
export async function createJob(ctx: ServiceContext, input: CreateJobInput): Promise<JobView> {
  const parsed = parseInput(CreateJobInput, input);
  const { kind, siteId } = parsed;
  authoriseOnSite(ctx, PERMISSION_OF[kind], siteId);
  await takeRate(ctx, { key: `enqueue:${ctx.actor.userId}`, limit: 30, windowS: 60 });
  const { revision, topology } = await findNewestTopology(ctx.db, siteId);
  if (topology.nodes.length === 0) {
    throw new AppError('precondition-failed', 'This site has no hosts yet. Add one first.');
  }
  if (parsed.kind === 'preflight') await refuseUnknownCells(ctx, parsed, revision, topology);
  const params = toParams(parsed, revision);
  const waiting = await ctx.db.prisma.job.findMany({ where: { siteId, kind, state: 'queued' } });
  const same = waiting.find((job) => canonicalJson(job.params) === canonicalJson(params));
  if (same && same.createdBy === ctx.actor.email) return toJobView(same);
  return transact(ctx, async (tx) => {
    if (kind === 'preflight') {
      await tx.sql.query('SELECT id FROM site WHERE id = $1 FOR UPDATE', [siteId]);
      await refuseWhileRun(tx, siteId);
    }
    if (kind !== 'scan') await authoriseCredentialUse(ctx, tx, topology, topology);
    const row = await tx.prisma.job.create({
      data: { id: newId('j'), siteId, kind, params, createdBy: ctx.actor.email },
    });
    await tx.audit(`job.${kind}`, siteId, { jobId: row.id, ...params });
    await tx.changed('job', row.id);
    await tx.sql.query('SELECT pg_notify($1, $2)::text', [WORK_CHANNEL, siteId]);
    return toJobView(row);
  });
}
