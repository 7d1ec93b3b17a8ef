'use server';

import { z } from 'zod';
import { openAction } from '@/app/action';
import { clearSessionCookie, setAuthCookies } from '@/lib/auth/session-cookie';
import { endSession, signInWithCode, signInWithPassword } from '@/lib/auth/sign-in';
import { toLocalPath } from '@/lib/auth/local-path';
import type { ActionResult } from '@/lib/core/action-result';

const SignInInput = z.object({
  email: z.string().max(200),
  password: z.string().max(1_000),
  next: z.string().optional(),
});
const CodeInput = z.object({ code: z.string().max(40), next: z.string().optional() });

export async function signIn(
  input: z.input<typeof SignInInput>,
): Promise<ActionResult<{ next: string } | { twoFactor: true }>> {
  return openAction('action (auth)/login/actions#signIn', async ({ runtime, headers }) => {
    const { email, password, next } = SignInInput.parse(input);
    const answer = await signInWithPassword(runtime, headers, { email, password });
    await setAuthCookies(answer.headers, runtime.env.publicUrl);
    return answer.twoFactor ? { twoFactor: true } : { next: toLocalPath(next) };
  });
}

export async function verifyTwoFactor(
  input: z.input<typeof CodeInput>,
): Promise<ActionResult<{ next: string }>> {
  return openAction('action (auth)/login/actions#verifyTwoFactor', async ({ runtime, headers }) => {
    const { code, next } = CodeInput.parse(input);
    const answer = await signInWithCode(runtime, headers, { code });
    await setAuthCookies(answer.headers, runtime.env.publicUrl);
    return { next: toLocalPath(next) };
  });
}

export async function signOut(): Promise<ActionResult<{ next: '/login' }>> {
  return openAction('action (auth)/login/actions#signOut', async ({ runtime, headers }) => {
    await endSession(runtime, headers);
    await clearSessionCookie(runtime.env.publicUrl);
    return { next: '/login' };
  });
}
