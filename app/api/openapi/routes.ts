import type { ApiRoute } from '@/app/api-route';
import * as audit from '../v1/audit/route';
import * as credentials from '../v1/credentials/route';
import * as credentialsByCredentialId from '../v1/credentials/[credentialId]/route';
import * as jobsByJobId from '../v1/jobs/[jobId]/route';
import * as plansByPlanId from '../v1/plans/[planId]/route';
import * as plansByPlanIdBundle from '../v1/plans/[planId]/bundle/route';
import * as plansByPlanIdRun from '../v1/plans/[planId]/run/route';
import * as runs from '../v1/runs/route';
import * as runsByRunId from '../v1/runs/[runId]/route';
import * as runsByRunIdCancel from '../v1/runs/[runId]/cancel/route';
import * as runsByRunIdEvents from '../v1/runs/[runId]/events/route';
import * as runsByRunIdLog from '../v1/runs/[runId]/log/route';
import * as runsByRunIdResume from '../v1/runs/[runId]/resume/route';
import * as runsByRunIdRetry from '../v1/runs/[runId]/retry/route';
import * as runsByRunIdSkip from '../v1/runs/[runId]/skip/route';
import * as sites from '../v1/sites/route';
import * as sitesBySiteId from '../v1/sites/[siteId]/route';
import * as sitesBySiteIdBundle from '../v1/sites/[siteId]/bundle/route';
import * as sitesBySiteIdChecks from '../v1/sites/[siteId]/checks/route';
import * as sitesBySiteIdChecksOverrides from '../v1/sites/[siteId]/checks/overrides/route';
import * as sitesBySiteIdChecksOverridesByOverrideId from '../v1/sites/[siteId]/checks/overrides/[overrideId]/route';
import * as sitesBySiteIdFindings from '../v1/sites/[siteId]/findings/route';
import * as sitesBySiteIdHealth from '../v1/sites/[siteId]/health/route';
import * as sitesBySiteIdHealthStream from '../v1/sites/[siteId]/health/stream/route';
import * as sitesBySiteIdHostKeys from '../v1/sites/[siteId]/host-keys/route';
import * as sitesBySiteIdHostKeysApprove from '../v1/sites/[siteId]/host-keys/approve/route';
import * as sitesBySiteIdHostKeysImport from '../v1/sites/[siteId]/host-keys/import/route';
import * as sitesBySiteIdHostKeysRevoke from '../v1/sites/[siteId]/host-keys/revoke/route';
import * as sitesBySiteIdHostKeysScan from '../v1/sites/[siteId]/host-keys/scan/route';
import * as sitesBySiteIdInventory from '../v1/sites/[siteId]/inventory/route';
import * as sitesBySiteIdKubeconfig from '../v1/sites/[siteId]/kubeconfig/route';
import * as sitesBySiteIdNodesByNodeIdFence from '../v1/sites/[siteId]/nodes/[nodeId]/fence/route';
import * as sitesBySiteIdPlan from '../v1/sites/[siteId]/plan/route';
import * as sitesBySiteIdPlans from '../v1/sites/[siteId]/plans/route';
import * as sitesBySiteIdPreflight from '../v1/sites/[siteId]/preflight/route';
import * as sitesBySiteIdSecrets from '../v1/sites/[siteId]/secrets/route';
import * as sitesBySiteIdSecretsByField from '../v1/sites/[siteId]/secrets/[field]/route';
import * as sitesBySiteIdTopology from '../v1/sites/[siteId]/topology/route';
import * as sitesBySiteIdTopologyRevisions from '../v1/sites/[siteId]/topology/revisions/route';
import * as sitesBySiteIdTopologyRevisionsByRevision from '../v1/sites/[siteId]/topology/revisions/[revision]/route';
import * as stream from '../v1/stream/route';

/** Every route file below app/api/v1 but the document's own; the test beside this file finds one that is missing. */
const FILES: readonly Readonly<Record<string, ApiRoute>>[] = [
  audit,
  credentials,
  credentialsByCredentialId,
  jobsByJobId,
  plansByPlanId,
  plansByPlanIdBundle,
  plansByPlanIdRun,
  runs,
  runsByRunId,
  runsByRunIdCancel,
  runsByRunIdEvents,
  runsByRunIdLog,
  runsByRunIdResume,
  runsByRunIdRetry,
  runsByRunIdSkip,
  sites,
  sitesBySiteId,
  sitesBySiteIdBundle,
  sitesBySiteIdChecks,
  sitesBySiteIdChecksOverrides,
  sitesBySiteIdChecksOverridesByOverrideId,
  sitesBySiteIdFindings,
  sitesBySiteIdHealth,
  sitesBySiteIdHealthStream,
  sitesBySiteIdHostKeys,
  sitesBySiteIdHostKeysApprove,
  sitesBySiteIdHostKeysImport,
  sitesBySiteIdHostKeysRevoke,
  sitesBySiteIdHostKeysScan,
  sitesBySiteIdInventory,
  sitesBySiteIdKubeconfig,
  sitesBySiteIdNodesByNodeIdFence,
  sitesBySiteIdPlan,
  sitesBySiteIdPlans,
  sitesBySiteIdPreflight,
  sitesBySiteIdSecrets,
  sitesBySiteIdSecretsByField,
  sitesBySiteIdTopology,
  sitesBySiteIdTopologyRevisions,
  sitesBySiteIdTopologyRevisionsByRevision,
  stream,
];

/** The handlers of the API, as Next calls them. */
export const ROUTES: readonly ApiRoute[] = FILES.flatMap((file) => Object.values(file));
