'use server';

import { z } from 'zod';
import { action } from '@/app/action';
import type { CreateApiTokenInput, CreateUserInput, SetGrantsInput } from '@/lib/access/user-view';
import type { ApiTokenView, UserView } from '@/lib/access/user-view';
import {
  changeOwnPassword,
  confirmSecondFactor,
  startSecondFactor,
  stopSecondFactor,
} from '@/lib/auth/own-account';
import type { ActionResult } from '@/lib/core/action-result';
import { createApiToken as makeToken } from '@/lib/services/api-tokens/create-api-token';
import { revokeApiToken as revokeToken } from '@/lib/services/api-tokens/revoke-api-token';
import type { AuditCheck } from '@/lib/services/audit/verify-audit';
import { verifyAudit as verify } from '@/lib/services/audit/verify-audit';
import { deleteCredential as dropCredential } from '@/lib/services/credentials/delete-credential';
import { createUser as makeUser } from '@/lib/services/users/create-user';
import { resetUser as reset } from '@/lib/services/users/reset-user';
import { setGrants as storeGrants } from '@/lib/services/users/set-grants';
import { setUserDisabled as storeDisabled } from '@/lib/services/users/set-user-disabled';

const Secret = z.string().max(1_000);
const PasswordInput = z.object({ password: Secret });
const CodeInput = z.object({ code: z.string().max(40) });
const ChangePasswordInput = z.object({ currentPassword: Secret, newPassword: Secret });

export async function deleteCredential(input: { credentialId: string }): Promise<ActionResult<null>> {
  return action('action (app)/settings/actions#deleteCredential', input, async (ctx) => {
    await dropCredential(ctx, input);
    return null;
  });
}

export async function createUser(
  input: z.input<typeof CreateUserInput>,
): Promise<ActionResult<{ userId: string; link: string }>> {
  return action('action (app)/settings/actions#createUser', input, (ctx) => makeUser(ctx, input));
}

export async function resetUser(input: { userId: string }): Promise<ActionResult<{ link: string }>> {
  return action('action (app)/settings/actions#resetUser', input, (ctx) =>
    reset(ctx, { userId: String(input.userId) }),
  );
}

export async function setUserDisabled(input: {
  userId: string;
  disabled: boolean;
}): Promise<ActionResult<UserView>> {
  return action('action (app)/settings/actions#setUserDisabled', input, (ctx) => storeDisabled(ctx, input));
}

export async function setGrants(input: z.input<typeof SetGrantsInput>): Promise<ActionResult<UserView>> {
  return action('action (app)/settings/actions#setGrants', input, (ctx) => storeGrants(ctx, input));
}

export async function changePassword(
  input: z.input<typeof ChangePasswordInput>,
): Promise<ActionResult<null>> {
  return action('action (app)/settings/actions#changePassword', input, async (ctx) => {
    await changeOwnPassword(ctx, ChangePasswordInput.parse(input));
    return null;
  });
}

export async function createApiToken(
  input: z.input<typeof CreateApiTokenInput>,
): Promise<ActionResult<{ token: string; view: ApiTokenView }>> {
  return action('action (app)/settings/actions#createApiToken', input, (ctx) => makeToken(ctx, input));
}

export async function revokeApiToken(input: { tokenId: string }): Promise<ActionResult<null>> {
  return action('action (app)/settings/actions#revokeApiToken', input, async (ctx) => {
    await revokeToken(ctx, { tokenId: String(input.tokenId) });
    return null;
  });
}

export async function verifyAudit(): Promise<ActionResult<AuditCheck>> {
  return action('action (app)/settings/actions#verifyAudit', {}, verify);
}

export async function startTwoFactor(
  input: z.input<typeof PasswordInput>,
): Promise<ActionResult<{ uri: string; backupCodes: string[] }>> {
  return action('action (app)/settings/actions#startTwoFactor', input, (ctx) =>
    startSecondFactor(ctx, PasswordInput.parse(input)),
  );
}

export async function confirmTwoFactor(input: z.input<typeof CodeInput>): Promise<ActionResult<null>> {
  return action('action (app)/settings/actions#confirmTwoFactor', input, async (ctx) => {
    await confirmSecondFactor(ctx, CodeInput.parse(input));
    return null;
  });
}

export async function stopTwoFactor(input: z.input<typeof PasswordInput>): Promise<ActionResult<null>> {
  return action('action (app)/settings/actions#stopTwoFactor', input, async (ctx) => {
    await stopSecondFactor(ctx, PasswordInput.parse(input));
    return null;
  });
}
