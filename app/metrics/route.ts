import { toProblem } from '@/app/api-route';
import { webRuntime } from '@/lib/auth/runtime';
import { publicRoute } from '@/lib/auth/session';
import { readMetrics } from '@/lib/services/metrics/read-metrics';

/** Counts only, no names: what a Prometheus on the inside may scrape without an account. */
export async function GET(request: Request): Promise<Response> {
  publicRoute('GET /metrics');
  try {
    const { db } = await webRuntime();
    return new Response(await readMetrics(db), {
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' },
    });
  } catch (error) {
    return toProblem(error, request, 'GET /metrics');
  }
}

export const dynamic = 'force-dynamic';
