import type { Metadata } from 'next';
import { orNotFound } from '@/app/or-not-found';
import { SiteChecks } from '@/components/wizard/site-checks';
import { can } from '@/lib/access/can';
import { requireUser } from '@/lib/auth/session';
import { getChecks } from '@/lib/services/preflight/get-checks';
import { getSite } from '@/lib/services/sites/get-site';
import { getTopology } from '@/lib/services/topology/get-topology';
import { startPreflight } from '../actions';
import { overrideCheckAction, revokeOverrideAction } from './actions';

export const metadata: Metadata = { title: 'Checks' };

interface Props {
  readonly params: Promise<{ readonly siteId: string }>;
}

export default async function PreflightPage({ params }: Props) {
  const { siteId } = await params;
  const ctx = await requireUser('page /sites/[siteId]/preflight', { siteId });
  const [site, { topology }, checks] = await orNotFound(
    Promise.all([getSite(ctx, { siteId }), getTopology(ctx, { siteId }), getChecks(ctx, { siteId })]),
  );
  const { grants } = ctx.actor;
  const [mayRun, mayOverride] = [can(grants, 'job.create', siteId), can(grants, 'check.override', siteId)];
  return (
    <SiteChecks
      siteId={siteId}
      siteName={site.name}
      nodes={topology.nodes.map(({ id, name }) => ({ id, name }))}
      checks={checks}
      runRefusal={mayRun.allowed ? null : mayRun.reason}
      overrideRefusal={mayOverride.allowed ? null : mayOverride.reason}
      actions={{
        startPreflight,
        overrideCheck: overrideCheckAction,
        revokeOverride: revokeOverrideAction,
      }}
    />
  );
}
