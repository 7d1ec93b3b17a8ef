import { can } from '@/lib/access/can';
import type { Permission } from '@/lib/access/permission';
import { isAppError } from '@/lib/core/errors';
import { exportAudit } from '@/lib/services/audit/export-audit';
import { listAudit } from '@/lib/services/audit/list-audit';
import { verifyAudit } from '@/lib/services/audit/verify-audit';
import { getInventory } from '@/lib/services/bundle/get-inventory';
import { getPlanBundle } from '@/lib/services/bundle/get-plan-bundle';
import { getSiteBundle } from '@/lib/services/bundle/get-site-bundle';
import type { ServiceContext } from '@/lib/services/context';
import { newId } from '@/lib/services/context';
import { createCredential } from '@/lib/services/credentials/create-credential';
import { deleteCredential } from '@/lib/services/credentials/delete-credential';
import { listCredentials } from '@/lib/services/credentials/list-credentials';
import { getSiteNow } from '@/lib/services/health/get-site-now';
import { approveHostKey } from '@/lib/services/host-keys/approve-host-key';
import { importKnownHosts } from '@/lib/services/host-keys/import-known-hosts';
import { listHostKeys } from '@/lib/services/host-keys/list-host-keys';
import { revokeHostKey } from '@/lib/services/host-keys/revoke-host-key';
import { createJob } from '@/lib/services/jobs/create-job';
import { findLatestJob } from '@/lib/services/jobs/find-latest-job';
import { getJob } from '@/lib/services/jobs/get-job';
import { getPlan } from '@/lib/services/plans/get-plan';
import { listPlans } from '@/lib/services/plans/list-plans';
import { getChecks } from '@/lib/services/preflight/get-checks';
import { overrideCheck } from '@/lib/services/preflight/override-check';
import { revokeOverride } from '@/lib/services/preflight/revoke-override';
import { cancelRun } from '@/lib/services/runs/cancel-run';
import { createRun } from '@/lib/services/runs/create-run';
import { exportRunLog } from '@/lib/services/runs/export-run-log';
import { getRun } from '@/lib/services/runs/get-run';
import { listRunEvents } from '@/lib/services/runs/list-run-events';
import { listRuns } from '@/lib/services/runs/list-runs';
import { setFence } from '@/lib/services/nodes/set-fence';
import { resumeRun } from '@/lib/services/runs/resume-run';
import { retryRun } from '@/lib/services/runs/retry-run';
import { skipStep } from '@/lib/services/runs/skip-step';
import { listSiteSecrets } from '@/lib/services/site-secrets/list-site-secrets';
import { removeSiteSecret } from '@/lib/services/site-secrets/remove-site-secret';
import { setSiteSecret } from '@/lib/services/site-secrets/set-site-secret';
import { createSite } from '@/lib/services/sites/create-site';
import { deleteSite } from '@/lib/services/sites/delete-site';
import { getSite } from '@/lib/services/sites/get-site';
import { renameSite } from '@/lib/services/sites/rename-site';
import { checkFindings } from '@/lib/services/topology/check-findings';
import { getRevision } from '@/lib/services/topology/get-revision';
import { getTopology } from '@/lib/services/topology/get-topology';
import { listRevisions } from '@/lib/services/topology/list-revisions';
import { putTopology } from '@/lib/services/topology/put-topology';
import { createUser } from '@/lib/services/users/create-user';
import { listUsers } from '@/lib/services/users/list-users';
import { resetUser } from '@/lib/services/users/reset-user';
import { setGrants } from '@/lib/services/users/set-grants';
import { setUserDisabled } from '@/lib/services/users/set-user-disabled';

/** Ids that the verbs are asked about. */
export interface Scene {
  readonly siteId: string;
  readonly otherSiteId: string;
  readonly planId: string;
  readonly runId: string;
  readonly endedRunId: string;
  readonly jobId: string;
  readonly foreignCredentialId: string;
  readonly userId: string;
  /** A one-time key of a browser. */
  readonly publicKey: string;
}

/** A verb of the services and the permission that it asks for. */
export interface Verb {
  readonly name: string;
  readonly permission: Permission;
  /** Asked about the scene's site (`site`), or about the whole installation (`all`). */
  readonly about: 'site' | 'all';
  readonly call: (ctx: ServiceContext, scene: Scene) => Promise<unknown>;
}

const FINGERPRINT = `SHA256:${'A'.repeat(43)}`;
const first = async (pieces: AsyncGenerator<string>) => (await pieces.next()).value as unknown;

/** Every verb of the services that asks for a permission. */
export const VERBS: readonly Verb[] = [
  { name: 'getSite', permission: 'site.view', about: 'site', call: getSite },
  { name: 'getTopology', permission: 'site.view', about: 'site', call: getTopology },
  {
    name: 'getRevision',
    permission: 'site.view',
    about: 'site',
    call: (ctx, s) => getRevision(ctx, { ...s, revision: 1 }),
  },
  { name: 'listRevisions', permission: 'site.view', about: 'site', call: listRevisions },
  {
    name: 'checkFindings',
    permission: 'site.view',
    about: 'site',
    call: (ctx, { siteId }) => checkFindings(ctx, { siteId }),
  },
  { name: 'getSiteNow', permission: 'site.view', about: 'site', call: getSiteNow },
  {
    name: 'renameSite',
    permission: 'site.edit',
    about: 'site',
    call: (ctx, { siteId }) => renameSite(ctx, { siteId, name: newId('name') }),
  },
  {
    name: 'putTopology',
    permission: 'site.edit',
    about: 'site',
    call: (ctx, { siteId }) => putTopology(ctx, { siteId, topology: {}, etag: 'other' }),
  },
  { name: 'listSiteSecrets', permission: 'site.view', about: 'site', call: listSiteSecrets },
  {
    name: 'setSiteSecret',
    permission: 'site.edit',
    about: 'site',
    call: (ctx, { siteId }) => setSiteSecret(ctx, { siteId, field: 's3-access-key', value: 'some-key-0' }),
  },
  {
    name: 'removeSiteSecret',
    permission: 'site.edit',
    about: 'site',
    call: (ctx, { siteId }) =>
      removeSiteSecret(ctx, { siteId, field: 's3-access-key' }).catch(asAllowed(ctx, siteId, 'site.edit')),
  },
  {
    name: 'deleteSite',
    permission: 'site.delete',
    about: 'site',
    call: (ctx, { siteId }) => deleteSite(ctx, { siteId, typedName: 'other' }),
  },
  { name: 'listHostKeys', permission: 'host-key.view', about: 'site', call: listHostKeys },
  {
    name: 'approveHostKey',
    permission: 'host-key.approve',
    about: 'site',
    call: (ctx, { siteId }) =>
      approveHostKey(ctx, { siteId, nodeId: 'n-none', fingerprint: FINGERPRINT }).catch(
        asAllowed(ctx, siteId),
      ),
  },
  {
    name: 'revokeHostKey',
    permission: 'host-key.approve',
    about: 'site',
    call: (ctx, { siteId }) =>
      revokeHostKey(ctx, { siteId, nodeId: 'n-none', fingerprint: FINGERPRINT }).catch(
        asAllowed(ctx, siteId),
      ),
  },
  {
    name: 'importKnownHosts',
    permission: 'host-key.approve',
    about: 'site',
    call: (ctx, { siteId }) => importKnownHosts(ctx, { siteId, text: '' }),
  },
  {
    name: 'createJob scan',
    permission: 'job.create',
    about: 'site',
    call: (ctx, { siteId }) => createJob(ctx, { kind: 'scan', siteId }),
  },
  {
    name: 'createJob preflight',
    permission: 'job.create',
    about: 'site',
    call: (ctx, { siteId }) => createJob(ctx, { kind: 'preflight', siteId }),
  },
  {
    name: 'createJob plan',
    permission: 'job.create',
    about: 'site',
    call: (ctx, { siteId }) => createJob(ctx, { kind: 'plan', siteId }),
  },
  { name: 'getChecks', permission: 'job.view', about: 'site', call: getChecks },
  {
    name: 'overrideCheck',
    permission: 'check.override',
    about: 'site',
    call: (ctx, { siteId }) =>
      overrideCheck(ctx, {
        siteId,
        nodeId: 'n-none',
        checkId: 'memory',
        value: '1 GiB',
        reason: 'known and wanted here',
      }).catch(asAllowed(ctx, siteId, 'check.override')),
  },
  {
    name: 'revokeOverride',
    permission: 'check.override',
    about: 'site',
    call: (ctx, { siteId }) =>
      revokeOverride(ctx, { siteId, overrideId: 'o-none' }).catch(asAllowed(ctx, siteId, 'check.override')),
  },
  {
    name: 'createJob preflight of some cells',
    permission: 'job.create',
    about: 'site',
    call: (ctx, { siteId }) => createJob(ctx, { kind: 'preflight', siteId, checkIds: ['memory'] }),
  },
  {
    name: 'createJob kubeconfig',
    permission: 'kubeconfig.get',
    about: 'site',
    call: (ctx, { siteId, publicKey }) => createJob(ctx, { kind: 'kubeconfig', siteId, publicKey }),
  },
  { name: 'getJob', permission: 'job.view', about: 'site', call: getJob },
  {
    name: 'findLatestJob',
    permission: 'job.view',
    about: 'site',
    call: (ctx, { siteId }) => findLatestJob(ctx, { siteId, kind: 'plan' }),
  },
  { name: 'getPlan', permission: 'plan.view', about: 'site', call: getPlan },
  { name: 'getInventory', permission: 'site.view', about: 'site', call: getInventory },
  { name: 'getSiteBundle', permission: 'bundle.get', about: 'site', call: getSiteBundle },
  { name: 'getPlanBundle', permission: 'bundle.get', about: 'site', call: getPlanBundle },
  { name: 'listPlans', permission: 'plan.view', about: 'site', call: listPlans },
  {
    name: 'createRun',
    permission: 'run.create',
    about: 'site',
    call: (ctx, { planId }) => createRun(ctx, { planId }),
  },
  { name: 'getRun', permission: 'run.view', about: 'site', call: getRun },
  {
    name: 'listRuns of a site',
    permission: 'run.view',
    about: 'site',
    call: (ctx, { siteId }) => listRuns(ctx, { siteId }),
  },
  {
    name: 'listRunEvents',
    permission: 'run.view',
    about: 'site',
    call: (ctx, { runId }) => listRunEvents(ctx, { runId }),
  },
  {
    name: 'exportRunLog',
    permission: 'run.view',
    about: 'site',
    call: (ctx, scene) => first(exportRunLog(ctx, scene)),
  },
  {
    name: 'cancelRun',
    permission: 'run.control',
    about: 'site',
    call: (ctx, { endedRunId }) => cancelRun(ctx, { runId: endedRunId }),
  },
  {
    name: 'retryRun',
    permission: 'run.control',
    about: 'site',
    call: (ctx, { endedRunId }) => retryRun(ctx, { runId: endedRunId }),
  },
  {
    name: 'resumeRun',
    permission: 'run.control',
    about: 'site',
    call: (ctx, { endedRunId }) => resumeRun(ctx, { runId: endedRunId }),
  },
  {
    name: 'skipStep',
    permission: 'run.control',
    about: 'site',
    call: (ctx, { endedRunId }) =>
      skipStep(ctx, { runId: endedRunId, stepId: '0'.repeat(16), reason: 'not wanted here' }),
  },
  {
    name: 'setFence',
    permission: 'fence.set',
    about: 'all',
    call: (ctx, { siteId }) => setFence(ctx, { siteId, nodeId: 'n-none', epoch: '1' }),
  },
  {
    name: 'createSite',
    permission: 'site.create',
    about: 'all',
    call: (ctx) => createSite(ctx, { name: newId('made') }),
  },
  { name: 'listCredentials', permission: 'credential.list', about: 'all', call: listCredentials },
  {
    name: 'createCredential',
    permission: 'credential.create',
    about: 'all',
    call: (ctx) => createCredential(ctx, { kind: 'password', name: newId('cred'), password: 'x' }),
  },
  {
    name: 'createCredential of the agent',
    permission: 'credential.create-agent',
    about: 'all',
    call: (ctx) => createCredential(ctx, { kind: 'agent', name: newId('cred') }),
  },
  {
    name: 'deleteCredential of another',
    permission: 'credential.delete',
    about: 'all',
    call: (ctx, { foreignCredentialId }) => deleteCredential(ctx, { credentialId: foreignCredentialId }),
  },
  {
    name: 'use credential C on host H',
    permission: 'credential.use',
    about: 'all',
    call: (ctx, scene) => useCredential(ctx, scene),
  },
  { name: 'listUsers', permission: 'user.manage', about: 'all', call: listUsers },
  {
    name: 'createUser',
    permission: 'user.manage',
    about: 'all',
    call: (ctx) => createUser(ctx, { email: `${newId('mail')}@example.net`, name: 'x', grants: [] }),
  },
  { name: 'resetUser', permission: 'user.manage', about: 'all', call: resetUser },
  {
    name: 'setUserDisabled',
    permission: 'user.manage',
    about: 'all',
    call: (ctx, { userId }) => setUserDisabled(ctx, { userId, disabled: false }),
  },
  {
    name: 'setGrants',
    permission: 'user.manage',
    about: 'all',
    call: (ctx, { userId }) => setGrants(ctx, { userId, grants: [] }),
  },
  { name: 'listAudit', permission: 'audit.view', about: 'all', call: (ctx) => listAudit(ctx) },
  { name: 'verifyAudit', permission: 'audit.view', about: 'all', call: verifyAudit },
  { name: 'exportAudit', permission: 'audit.view', about: 'all', call: (ctx) => first(exportAudit(ctx)) },
];

/** "No such host key" is an answer for those who may approve keys; for others it would hide a hole in the matrix. */
function asAllowed(
  ctx: ServiceContext,
  siteId: string,
  permission: Permission = 'host-key.approve',
): (error: unknown) => undefined {
  return (error) => {
    if (isAppError(error) && error.code === 'not-found' && can(ctx.actor.grants, permission, siteId).allowed)
      return;
    throw error;
  };
}

let hostCount = 0;

/** Whoever may edit the site tries to send somebody else's password to a host of their own, each time a new one. */
async function useCredential(
  ctx: ServiceContext,
  { otherSiteId, foreignCredentialId }: Scene,
): Promise<unknown> {
  const { topology, etag } = await getTopology(ctx, { siteId: otherSiteId });
  hostCount += 1;
  const node = {
    name: 'mine',
    role: 'server',
    internalIp: `203.0.113.${hostCount}`,
    ssh: { credentialId: foreignCredentialId },
  };
  return putTopology(ctx, { siteId: otherSiteId, topology: { ...topology, nodes: [node] }, etag });
}
