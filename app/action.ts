import { requireActionUser, publicAction, requestId } from '@/lib/auth/session';
import type { WebContext } from '@/lib/auth/session';
import type { EntryName } from '@/lib/access/permission-table';
import type { ActionResult } from '@/lib/core/action-result';
import { toShownError } from './report-error';

/** Next's own signals (redirect, not found) travel as errors and must pass. */
function isNextSignal(error: unknown): boolean {
  return error instanceof Error && 'digest' in error && String(error.digest).startsWith('NEXT_');
}

async function toResult<T>(entry: EntryName, work: () => Promise<T>): Promise<ActionResult<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    if (isNextSignal(error)) throw error;
    const id = await requestId();
    const { code, message, fields } = toShownError(error, { requestId: id, entry });
    return { ok: false, error: { code, message, requestId: id, ...(fields && { fields }) } };
  }
}

/** The site that an input is about. What a browser sends to an action is not what its type says. */
function toResource(input: unknown): { siteId?: string } {
  if (typeof input !== 'object' || input === null || !('siteId' in input)) return {};
  return { siteId: String(input.siteId) };
}

/**
 * A server action of signed-in people: asks for its row of the permission table first, then does the work, and
 * answers with a value or an error in words. Services parse what is in `input`.
 */
export function action<T>(
  entry: EntryName,
  input: unknown,
  work: (ctx: WebContext) => Promise<T>,
): Promise<ActionResult<T>> {
  return toResult(entry, async () => work(await requireActionUser(entry, toResource(input))));
}

/** A server action that needs nobody: sign-in and set-up. */
export function openAction<T>(
  entry: EntryName,
  work: (open: Awaited<ReturnType<typeof publicAction>>) => Promise<T>,
): Promise<ActionResult<T>> {
  return toResult(entry, async () => work(await publicAction(entry)));
}
