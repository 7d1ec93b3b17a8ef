import { publicRoute } from '@/lib/auth/session';

/** The process answers; says nothing about what it depends on. */
export function GET(): Response {
  publicRoute('GET /healthz');
  return new Response('ok\n', { headers: { 'content-type': 'text/plain', 'cache-control': 'no-store' } });
}

export const dynamic = 'force-dynamic';
