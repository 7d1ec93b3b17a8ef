'use server';

import { action } from '@/app/action';
import type { SiteSecretField, SiteSecretView } from '@/lib/render/site-secret';
import type { ActionResult } from '@/lib/core/action-result';
import { removeSiteSecret } from '@/lib/services/site-secrets/remove-site-secret';
import { setSiteSecret } from '@/lib/services/site-secrets/set-site-secret';

interface OfSecret {
  readonly siteId: string;
  readonly field: SiteSecretField;
}

export async function setSiteSecretAction(
  input: OfSecret & { readonly value: string },
): Promise<ActionResult<SiteSecretView>> {
  return action('action (app)/sites/[siteId]/settings/actions#setSiteSecretAction', input, (ctx) =>
    setSiteSecret(ctx, input),
  );
}

export async function removeSiteSecretAction(input: OfSecret): Promise<ActionResult<null>> {
  return action('action (app)/sites/[siteId]/settings/actions#removeSiteSecretAction', input, async (ctx) => {
    await removeSiteSecret(ctx, input);
    return null;
  });
}
