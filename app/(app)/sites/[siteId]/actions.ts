'use server';

import { action } from '@/app/action';
import type { HostKeyImport } from '@/lib/access/host-key-import';
import type { HostKeyView } from '@/lib/access/host-key-view';
import type { ActionResult } from '@/lib/core/action-result';
import type { PlanKind } from '@/lib/plan/plan';
import { approveHostKey as approve } from '@/lib/services/host-keys/approve-host-key';
import { importKnownHosts } from '@/lib/services/host-keys/import-known-hosts';
import { revokeHostKey as revoke } from '@/lib/services/host-keys/revoke-host-key';
import { createJob } from '@/lib/services/jobs/create-job';
import { createRun } from '@/lib/services/runs/create-run';
import { deleteSite as dropSite } from '@/lib/services/sites/delete-site';
import { renameSite as rename } from '@/lib/services/sites/rename-site';
import { putTopology as storeTopology } from '@/lib/services/topology/put-topology';
import type { SiteView } from '@/lib/topology/site-view';
import type { TopologyInput } from '@/lib/topology/topology';
import type { TopologyView } from '@/lib/topology/topology-view';

interface OfSite {
  readonly siteId: string;
}
interface OfHostKey extends OfSite {
  readonly nodeId: string;
  readonly fingerprint: string;
  /** `address:port` of a bastion on the way to the node; absent for the node's own key. */
  readonly hop?: string;
}
type Filed = Promise<ActionResult<{ jobId: string }>>;

export async function putTopology(
  input: OfSite & { topology: TopologyInput; etag: string },
): Promise<ActionResult<TopologyView>> {
  return action('action (app)/sites/[siteId]/actions#putTopology', input, (ctx) => storeTopology(ctx, input));
}

export async function renameSite(input: OfSite & { name: string }): Promise<ActionResult<SiteView>> {
  return action('action (app)/sites/[siteId]/actions#renameSite', input, (ctx) => rename(ctx, input));
}

export async function deleteSite(
  input: OfSite & { typedName: string },
): Promise<ActionResult<{ next: '/' }>> {
  return action('action (app)/sites/[siteId]/actions#deleteSite', input, async (ctx) => {
    await dropSite(ctx, input);
    return { next: '/' };
  });
}

export async function startScan(input: OfSite): Filed {
  return action('action (app)/sites/[siteId]/actions#startScan', input, async (ctx) => {
    const job = await createJob(ctx, { kind: 'scan', siteId: input.siteId });
    return { jobId: job.id };
  });
}

export async function startPreflight(input: OfSite & { nodeIds?: string[]; checkIds?: string[] }): Filed {
  return action('action (app)/sites/[siteId]/actions#startPreflight', input, async (ctx) => {
    const { siteId, nodeIds, checkIds } = input;
    const some = { ...(nodeIds && { nodeIds }), ...(checkIds && { checkIds }) };
    const job = await createJob(ctx, { kind: 'preflight', siteId, ...some });
    return { jobId: job.id };
  });
}

export async function startPlan(input: OfSite & { kind: PlanKind }): Filed {
  return action('action (app)/sites/[siteId]/actions#startPlan', input, async (ctx) => {
    const job = await createJob(ctx, { kind: 'plan', siteId: input.siteId, planKind: input.kind });
    return { jobId: job.id };
  });
}

export async function startKubeconfig(input: OfSite & { publicKey: string }): Filed {
  return action('action (app)/sites/[siteId]/actions#startKubeconfig', input, async (ctx) => {
    const job = await createJob(ctx, {
      kind: 'kubeconfig',
      siteId: input.siteId,
      publicKey: input.publicKey,
    });
    return { jobId: job.id };
  });
}

export async function approveHostKey(input: OfHostKey): Promise<ActionResult<HostKeyView>> {
  return action('action (app)/sites/[siteId]/actions#approveHostKey', input, (ctx) => approve(ctx, input));
}

export async function revokeHostKey(input: OfHostKey): Promise<ActionResult<HostKeyView>> {
  return action('action (app)/sites/[siteId]/actions#revokeHostKey', input, (ctx) => revoke(ctx, input));
}

/** `text` is a known_hosts file, at most what a server action may carry (64 KB). */
export async function importKnownHostsAction(
  siteId: string,
  text: string,
): Promise<ActionResult<HostKeyImport>> {
  return action('action (app)/sites/[siteId]/actions#importKnownHostsAction', { siteId, text }, (ctx) =>
    importKnownHosts(ctx, { siteId, text }),
  );
}

export async function startRun(input: { planId: string }): Promise<ActionResult<{ runId: string }>> {
  return action('action (app)/sites/[siteId]/actions#startRun', input, async (ctx) => {
    const run = await createRun(ctx, input);
    return { runId: run.id };
  });
}
