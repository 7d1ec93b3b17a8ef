import { AppError } from '@/lib/core/errors';
import { isLoopback } from '@/lib/env/env';

function isPublicOrigin(origin: string, publicUrl: string): boolean {
  if (origin === publicUrl) return true;
  if (!URL.canParse(origin)) return false;
  const [sent, own] = [new URL(origin), new URL(publicUrl)];
  // 127.0.0.1 and localhost are the same place to the person who typed either.
  return (
    isLoopback(own.hostname) &&
    isLoopback(sent.hostname) &&
    sent.port === own.port &&
    sent.protocol === own.protocol
  );
}

/**
 * Refuses a write that a browser sends on behalf of another site (S24): `Sec-Fetch-Site` must say same-origin where
 * it is sent, and `Origin` must be ours. A write with neither header comes from no browser of today and is refused.
 */
export function refuseCrossSite(headers: Headers, publicUrl: string): void {
  const site = headers.get('sec-fetch-site');
  const origin = headers.get('origin');
  const isOurs = origin === null ? site === 'same-origin' : isPublicOrigin(origin, publicUrl);
  if (isOurs && (site === null || site === 'same-origin')) return;
  throw new AppError(
    'forbidden',
    'This request came from another site, so nothing was done. Open Siteplan itself and try again.',
  );
}
