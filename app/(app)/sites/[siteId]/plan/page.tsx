import type { Metadata } from 'next';
import { orNotFound } from '@/app/or-not-found';
import { SitePlan } from '@/components/wizard/site-plan';
import { can } from '@/lib/access/can';
import { requireUser } from '@/lib/auth/session';
import { listHostKeys } from '@/lib/services/host-keys/list-host-keys';
import { findLatestJob } from '@/lib/services/jobs/find-latest-job';
import { getChecks } from '@/lib/services/preflight/get-checks';
import { getSite } from '@/lib/services/sites/get-site';
import { getTopology } from '@/lib/services/topology/get-topology';
import {
  approveHostKey,
  importKnownHostsAction,
  startPlan,
  startPreflight,
  startRun,
  startScan,
} from '../actions';
import { overrideCheckAction, revokeOverrideAction } from '../preflight/actions';
import { toReachedNodes } from '../to-reached-nodes';

export const metadata: Metadata = { title: 'Plan' };

interface Props {
  readonly params: Promise<{ readonly siteId: string }>;
}

export default async function PlanPage({ params }: Props) {
  const { siteId } = await params;
  const ctx = await requireUser('page /sites/[siteId]/plan', { siteId });
  const latest = (kind: 'scan' | 'plan') => findLatestJob(ctx, { siteId, kind });
  const [site, { topology, revision }, hostKeys, scan, checks, plan] = await orNotFound(
    Promise.all([
      getSite(ctx, { siteId }),
      getTopology(ctx, { siteId }),
      listHostKeys(ctx, { siteId }),
      latest('scan'),
      getChecks(ctx, { siteId }),
      latest('plan'),
    ]),
  );
  const { grants } = ctx.actor;
  const [mayApply, mayUninstall] = [can(grants, 'run.create', siteId), can(grants, 'run.uninstall', siteId)];
  const mayApprove = can(grants, 'host-key.approve', siteId);
  return (
    <SitePlan
      site={site}
      nodes={toReachedNodes(topology)}
      revision={revision}
      hostKeys={hostKeys}
      jobs={{ scan, plan }}
      checks={checks}
      applyRefusal={mayApply.allowed ? null : mayApply.reason}
      uninstallRefusal={mayUninstall.allowed ? null : mayUninstall.reason}
      hostKeyRefusal={mayApprove.allowed ? null : mayApprove.reason}
      actions={{
        approveHostKey,
        importKnownHosts: importKnownHostsAction,
        startPlan,
        overrideCheck: overrideCheckAction,
        revokeOverride: revokeOverrideAction,
        startPreflight,
        startRun,
        startScan,
      }}
    />
  );
}
