import type { CredentialView } from '@/lib/access/credential-view';
import type { HostKeyImport } from '@/lib/access/host-key-import';
import type { HostKeyView } from '@/lib/access/host-key-view';
import type { ActionResult } from '@/lib/core/action-result';
import type { PlanKind } from '@/lib/plan/plan';
import type { CheckOverrideView } from '@/lib/run/preflight-view';
import type { TopologyInput } from '@/lib/topology/topology';
import type { TopologyView } from '@/lib/topology/topology-view';

type Action<I, T> = (input: I) => Promise<ActionResult<T>>;

/** A key that a person vouches for. */
export interface HostKeyChoice {
  readonly siteId: string;
  readonly nodeId: string;
  /** `address:port` of a bastion on the way to the node; absent for the node's own key. */
  readonly hop?: string;
  readonly fingerprint: string;
}

export type ImportKnownHosts = (siteId: string, text: string) => Promise<ActionResult<HostKeyImport>>;

export type RevokeHostKey = Action<HostKeyChoice, HostKeyView>;

/** What may be done with the checks of a site. */
export interface CheckActions {
  /** Without `nodeIds` and `checkIds`: all checks on all hosts. */
  readonly startPreflight: Action<
    { siteId: string; nodeIds?: string[]; checkIds?: string[] },
    { jobId: string }
  >;
  readonly overrideCheck: Action<
    { siteId: string; nodeId: string; checkId: string; value: string; valueHash: string; reason: string },
    CheckOverrideView
  >;
  readonly revokeOverride: Action<{ siteId: string; overrideId: string }, CheckOverrideView>;
}

/** Actions that read hosts and start work on a site. */
export interface SiteWorkActions extends CheckActions {
  readonly startScan: Action<{ siteId: string }, { jobId: string }>;
  readonly startPlan: Action<{ siteId: string; kind: PlanKind }, { jobId: string }>;
  readonly approveHostKey: Action<HostKeyChoice, HostKeyView>;
  readonly importKnownHosts: ImportKnownHosts;
  readonly startRun: Action<{ planId: string }, { runId: string }>;
}

/** A site's topology as the server has stored it, ids and references of its own included. */
export type StoredTopology = Pick<TopologyView, 'siteId' | 'revision' | 'etag' | 'topology'>;

/** Everything that the wizard asks of the server. */
export interface WizardActions extends SiteWorkActions {
  readonly saveDraft: Action<
    { draftId: string | null; document: unknown },
    { draftId: string; updatedAt: string }
  >;
  readonly deleteDraft: Action<{ draftId: string }, null>;
  readonly createSite: Action<{ name: string; topology: TopologyInput }, StoredTopology>;
  readonly renameSite: Action<{ siteId: string; name: string }, unknown>;
  readonly putTopology: Action<{ siteId: string; topology: TopologyInput; etag: string }, StoredTopology>;
}

/** A dialog that adds a credential; belongs to the settings and is handed in by the page. */
export interface CredentialDialogProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onCreated: (credential: CredentialView) => void;
}
