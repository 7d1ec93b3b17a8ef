import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** 128 random bits for one response's content security policy. */
export function createNonce(): string {
  return randomBytes(16).toString('base64');
}

/**
 * Scripts run by nonce only, nothing comes from elsewhere, nobody may frame us. Style attributes are allowed, because
 * drawings place their parts by them; style elements are not. Development needs eval and its own socket.
 */
export function toContentSecurityPolicy(
  nonce: string,
  options: { isHttps: boolean; isDevelopment: boolean },
): string {
  const { isHttps, isDevelopment } = options;
  return [
    `default-src 'self'`,
    `script-src 'nonce-${nonce}' 'strict-dynamic'${isDevelopment ? " 'unsafe-eval'" : ''}`,
    isDevelopment ? `style-src 'self' 'unsafe-inline'` : `style-src 'self' 'nonce-${nonce}'`,
    `style-src-attr 'unsafe-inline'`,
    `img-src 'self' data: blob:`,
    `font-src 'self'`,
    `connect-src 'self'${isDevelopment ? ' ws: wss:' : ''}`,
    `object-src 'none'`,
    `base-uri 'none'`,
    `form-action 'self'`,
    `frame-ancestors 'none'`,
    ...(isHttps ? ['upgrade-insecure-requests'] : []),
  ].join('; ');
}

/** Headers of every response (reliability B2, S25). */
export function toSecurityHeaders(policy: string, isHttps: boolean): Record<string, string> {
  return {
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()',
    'x-robots-tag': 'noindex, nofollow',
    ...(isHttps && { 'strict-transport-security': 'max-age=63072000; includeSubDomains' }),
  };
}

/** Request headers that mean something to Next or to us and therefore never come from outside. */
const STRIPPED = [
  /^content-security-policy(-report-only)?$/,
  /^x-nonce$/,
  /^x-middleware-/,
  /^x-siteplan-/,
  /^x-request-id$/,
  /^x-forwarded-/,
  /^forwarded$/,
  /^x-real-ip$/,
  /^x-nextjs-/,
  /^x-invoke-/,
  /^x-matched-path$/,
  /^x-now-route-matches$/,
  /^x-prerender-revalidate/,
  /^x-vercel-/,
  /^x-action-(redirected|revalidated)$/,
  /^upgrade$/,
];

/** By these the pages of Next's development server find their own debug channel; without them they wait for ever. */
const DEVELOPMENT_ONLY = /^x-nextjs-(html-)?request-id$/;

/** Takes what must not come from outside out of a request, in place. */
export function stripHeaders(headers: IncomingHttpHeaders, isDevelopment = false): void {
  for (const name of Object.keys(headers)) {
    if (isDevelopment && DEVELOPMENT_ONLY.test(name)) continue;
    if (STRIPPED.some((pattern) => pattern.test(name))) delete headers[name];
  }
}

/** The client's address: the peer's, or what the trusted proxy in front added last to X-Forwarded-For. */
export function toClientIp(peer: string | undefined, forwardedFor: string | undefined): string {
  const added = forwardedFor?.split(',').at(-1)?.trim();
  const address = added && /^[0-9A-Fa-f.:]{2,45}$/.test(added) ? added : (peer ?? '');
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}
