'use server';

import { action } from '@/app/action';
import type { ActionResult } from '@/lib/core/action-result';
import type { CheckOverrideView } from '@/lib/run/preflight-view';
import { overrideCheck } from '@/lib/services/preflight/override-check';
import { revokeOverride } from '@/lib/services/preflight/revoke-override';

export async function overrideCheckAction(input: {
  siteId: string;
  nodeId: string;
  checkId: string;
  value: string;
  valueHash: string;
  reason: string;
}): Promise<ActionResult<CheckOverrideView>> {
  return action('action (app)/sites/[siteId]/preflight/actions#overrideCheckAction', input, (ctx) =>
    overrideCheck(ctx, input),
  );
}

export async function revokeOverrideAction(input: {
  siteId: string;
  overrideId: string;
}): Promise<ActionResult<CheckOverrideView>> {
  return action('action (app)/sites/[siteId]/preflight/actions#revokeOverrideAction', input, (ctx) =>
    revokeOverride(ctx, input),
  );
}
