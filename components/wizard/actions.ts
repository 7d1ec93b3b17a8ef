import type { CredentialView } from '@/lib/access/credential-view';
import type { HostKeyView } from '@/lib/access/host-key-view';
import type { ActionResult } from '@/lib/core/action-result';
import type { PlanKind } from '@/lib/plan/plan';
import type { TopologyInput } from '@/lib/topology/topology';

type Action<I, T> = (input: I) => Promise<ActionResult<T>>;

/** Actions that read hosts and start work on a site. */
export interface SiteWorkActions {
  readonly startScan: Action<{ siteId: string }, { jobId: string }>;
  readonly startPreflight: Action<{ siteId: string }, { jobId: string }>;
  readonly startPlan: Action<{ siteId: string; kind: PlanKind }, { jobId: string }>;
  readonly approveHostKey: Action<{ siteId: string; nodeId: string; fingerprint: string }, HostKeyView>;
  readonly startRun: Action<{ planId: string }, { runId: string }>;
}

/** Everything that the wizard asks of the server. */
export interface WizardActions extends SiteWorkActions {
  readonly saveDraft: Action<
    { draftId: string | null; document: unknown },
    { draftId: string; updatedAt: string }
  >;
  readonly deleteDraft: Action<{ draftId: string }, null>;
  readonly createSite: Action<
    { name: string; topology: TopologyInput },
    { siteId: string; revision: number; etag: string }
  >;
  readonly renameSite: Action<{ siteId: string; name: string }, unknown>;
  readonly putTopology: Action<
    { siteId: string; topology: TopologyInput; etag: string },
    { revision: number; etag: string }
  >;
}

/** A dialog that adds a credential; belongs to the settings and is handed in by the page. */
export interface CredentialDialogProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onCreated: (credential: CredentialView) => void;
}
