import { webLog } from '@/app/report-error';
import { webRuntime } from '@/lib/auth/runtime';
import { publicRoute } from '@/lib/auth/session';
import { shutdownSignal } from '@/lib/env/shutdown';

const HEADERS = { 'content-type': 'text/plain', 'cache-control': 'no-store' };

/** Ready to serve: keys are there, the database answers, no stop is under way. Says no more than that to strangers. */
export async function GET(): Promise<Response> {
  publicRoute('GET /readyz');
  try {
    if (shutdownSignal().aborted) throw new Error('stopping');
    await (await webRuntime()).db.pool.query('SELECT 1');
    return new Response('ready\n', { headers: HEADERS });
  } catch (error) {
    webLog().warn({ err: error }, 'not ready');
    return new Response('not ready\n', { status: 503, headers: HEADERS });
  }
}

export const dynamic = 'force-dynamic';
