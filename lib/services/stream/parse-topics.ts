import { AppError } from '@/lib/core/errors';

/** What a stream may be about; `DESIGN.md` calls these topics. */
export type StreamTopic =
  | { readonly kind: 'sites' | 'runs' }
  | { readonly kind: 'site' | 'jobs'; readonly siteId: string }
  | { readonly kind: 'job'; readonly jobId: string }
  | { readonly kind: 'run'; readonly runId: string; readonly after: number };

const MAX_TOPICS = 32;
const ID = '[a-z0-9][a-z0-9-]{1,62}';

function parseTopic(text: string): StreamTopic {
  if (text === 'sites' || text === 'runs') return { kind: text };
  const [, kind, id = '', after = '0'] =
    new RegExp(`^(site|jobs|job|run):(${ID})(?:@(\\d{1,9}))?$`).exec(text) ?? [];
  switch (kind) {
    case 'site':
    case 'jobs':
      return { kind, siteId: id };
    case 'job':
      return { kind, jobId: id };
    case 'run':
      return { kind, runId: id, after: Number(after) };
    default:
      throw new AppError(
        'invalid',
        `topics: ${text.slice(0, 80)} is none. Use sites, runs, site:ID, jobs:ID, job:ID or run:ID@N.`,
      );
  }
}

/** `sites,run:r-1@40` as topics. Throws `invalid` for anything else. */
export function parseTopics(text: string): StreamTopic[] {
  const parts = text.split(',').filter((part) => part !== '');
  if (parts.length === 0 || parts.length > MAX_TOPICS) {
    throw new AppError('invalid', `topics: name 1 to ${MAX_TOPICS} topics.`);
  }
  return parts.map(parseTopic);
}

/**
 * The event id of a stream says how far each run's log was delivered (`r-1:40,r-2:7`); everything else is sent anew
 * on a reconnect. A foreign text counts as none.
 */
export function parsePositions(lastEventId: string | null): Map<string, number> {
  const positions = new Map<string, number>();
  for (const part of (lastEventId ?? '').slice(0, 4_000).split(',')) {
    const [, runId, seq] = new RegExp(`^(${ID}):(\\d{1,9})$`).exec(part) ?? [];
    if (runId && seq) positions.set(runId, Number(seq));
  }
  return positions;
}

export function toPositionsText(positions: ReadonlyMap<string, number>): string {
  return [...positions].map(([runId, seq]) => `${runId}:${seq}`).join(',');
}
