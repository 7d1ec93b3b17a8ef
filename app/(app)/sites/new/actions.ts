'use server';

import { action } from '@/app/action';
import type { CredentialInput, CredentialView } from '@/lib/access/credential-view';
import type { ActionResult } from '@/lib/core/action-result';
import type { Finding } from '@/lib/rules/finding';
import { createCredential as storeCredential } from '@/lib/services/credentials/create-credential';
import { deleteDraft as dropDraft } from '@/lib/services/drafts/delete-draft';
import { saveDraft as storeDraft } from '@/lib/services/drafts/save-draft';
import { createSite as storeSite } from '@/lib/services/sites/create-site';
import { checkFindings as check } from '@/lib/services/topology/check-findings';
import type { Pattern, TopologyInput } from '@/lib/topology/topology';
import type { TopologyView } from '@/lib/topology/topology-view';

export async function saveDraft(input: {
  draftId: string | null;
  document: unknown;
}): Promise<ActionResult<{ draftId: string; updatedAt: string }>> {
  return action('action (app)/sites/new/actions#saveDraft', input, (ctx) => storeDraft(ctx, input));
}

export async function deleteDraft(input: { draftId: string }): Promise<ActionResult<null>> {
  return action('action (app)/sites/new/actions#deleteDraft', input, async (ctx) => {
    await dropDraft(ctx, { draftId: String(input.draftId) });
    return null;
  });
}

export async function createSite(input: {
  name: string;
  pattern?: Pattern;
  topology?: TopologyInput;
  draftId?: string;
}): Promise<ActionResult<TopologyView>> {
  return action('action (app)/sites/new/actions#createSite', input, (ctx) => storeSite(ctx, input));
}

export async function createCredential(input: CredentialInput): Promise<ActionResult<CredentialView>> {
  return action('action (app)/sites/new/actions#createCredential', input, (ctx) =>
    storeCredential(ctx, input),
  );
}

export async function checkFindings(input: { topology: TopologyInput }): Promise<ActionResult<Finding[]>> {
  return action('action (app)/sites/new/actions#checkFindings', input, (ctx) => check(ctx, input));
}
