import type { ActionError } from '@/lib/core/action-result';
import { ErrorPanel } from './panels';

/** What an action answered when it could not be done; nothing without an error. */
export function ActionErrorPanel({ error }: { readonly error: ActionError | null }) {
  if (!error) return null;
  const shownRequest =
    error.code === 'internal' || error.code === 'unavailable' ? error.requestId : undefined;
  return <ErrorPanel title={error.message} requestId={shownRequest || undefined} />;
}
