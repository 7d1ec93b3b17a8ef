import type { HostKeyView } from '@/lib/access/host-key-view';
import type { RunEvent } from '@/lib/run/run-event';
import type { RunView } from '@/lib/run/run-view';
import type { JobView } from '@/lib/run/job-view';
import type { SiteView } from '@/lib/topology/site-view';

/** What `/api/v1/stream` says, by event name. It comes from our own server, so its shape is trusted. */
export type StreamMessage =
  | { readonly type: 'hello' | 'tick'; readonly at: string }
  | { readonly type: 'site'; readonly siteId: string; readonly site: SiteView | null }
  | { readonly type: 'host-keys'; readonly siteId: string; readonly hostKeys: readonly HostKeyView[] }
  | { readonly type: 'job'; readonly job: JobView }
  | { readonly type: 'run'; readonly run: RunView }
  | {
      readonly type: 'run-events';
      readonly runId: string;
      readonly events: readonly RunEvent[];
      readonly last: number;
    }
  | { readonly type: 'end'; readonly reason: 'signed-out' | 'forbidden' | 'restarting' };

export const STREAM_EVENTS = [
  'hello',
  'tick',
  'site',
  'host-keys',
  'job',
  'run',
  'run-events',
  'end',
] as const;
