'use server';

import { z } from 'zod';
import { openAction } from '@/app/action';
import { IP_HEADER, REQUEST_ID_HEADER } from '@/lib/auth/create-auth';
import { setAuthCookies } from '@/lib/auth/session-cookie';
import { finishSetup as finish } from '@/lib/auth/setup';
import { signInWithPassword } from '@/lib/auth/sign-in';
import type { ActionResult } from '@/lib/core/action-result';

const SetupInput = z.object({
  token: z.string().max(100),
  email: z.string().max(200),
  name: z.string().max(100),
  password: z.string().max(1_000),
});

export async function finishSetup(
  input: z.input<typeof SetupInput>,
): Promise<ActionResult<{ next: string }>> {
  return openAction('action (auth)/setup/actions#finishSetup', async ({ runtime, headers }) => {
    const parsed = SetupInput.parse(input);
    const origin = { ip: headers.get(IP_HEADER) ?? '', requestId: headers.get(REQUEST_ID_HEADER) ?? '' };
    const { email } = await finish(runtime, parsed, origin);
    const answer = await signInWithPassword(runtime, headers, { email, password: parsed.password });
    await setAuthCookies(answer.headers, runtime.env.publicUrl);
    return { next: '/' };
  });
}
