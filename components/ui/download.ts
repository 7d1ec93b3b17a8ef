import type { ActionError, ActionResult } from '@/lib/core/action-result';

const NO_ANSWER: ActionError = {
  code: 'unavailable',
  message: 'The server did not answer, so there is no file. Check the connection and try again.',
  requestId: '',
};

/** Name of the file as the server gives it; the last part of the address where it gives none. */
export function toFileName(disposition: string | null, url: string): string {
  return /filename="([A-Za-z0-9._-]+)"/.exec(disposition ?? '')?.[1] ?? url.split('/').at(-1) ?? 'download';
}

/** Fetches a file of ours and hands it to the browser; a refusal comes back in the server's words (problem details). */
export async function download(url: string): Promise<ActionResult<null>> {
  const response = await fetch(url).catch(() => null);
  if (!response) return { ok: false, error: NO_ANSWER };
  if (!response.ok) {
    const problem = (await response.json().catch(() => null)) as
      (Partial<ActionError> & { detail?: string }) | null; // RFC 9457, with our code
    if (!problem?.detail) return { ok: false, error: NO_ANSWER };
    const { code = 'internal', detail, requestId = '' } = problem;
    return { ok: false, error: { code, message: detail, requestId } };
  }
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = address;
  link.download = toFileName(response.headers.get('content-disposition'), url);
  link.click();
  URL.revokeObjectURL(address);
  return { ok: true, value: null };
}
