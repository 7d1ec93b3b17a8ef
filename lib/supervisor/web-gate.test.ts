import { describe, expect, it } from 'vitest';
import { findRefusal } from './web-gate';
import { createNonce, stripHeaders, toClientIp, toContentSecurityPolicy } from './web-headers';

const PUBLIC_URL = 'https://siteplan.example.net';
const ask = (target: string, more: Partial<Parameters<typeof findRefusal>[0]> = {}, publicUrl = PUBLIC_URL) =>
  findRefusal(
    { method: 'GET', target, host: 'siteplan.example.net', contentLength: undefined, ...more },
    publicUrl,
  );

describe('findRefusal', () => {
  it.each([
    '/',
    '/sites/s-1/topology?tab=a%2Fb//c',
    '/_next/static/chunks/%5Broot%5D.js',
    '/sites/s-1?_rsc=1',
    '/s/t_-A',
  ])('lets %s pass', (target) => expect(ask(target)).toBeNull());

  it.each([
    ['http://siteplan.example.net/', 400],
    ['*', 400],
    ['//evil.example.net/', 400],
    ['/sites//s-1', 400],
    ['/sites/..%2fs-1', 400],
    ['/sites/%2e%2e/s-1', 400],
    ['/sites/../s-1', 400],
    ['/./sites', 400],
    ['/sites%2Fs-1', 400],
    ['/sites%5cs-1', 400],
    ['/sites\\s-1', 400],
    ['/sites%252fs-1', 400],
    ['/sites%00', 400],
    ['/sites/%zz', 400],
    ['/sites/%', 400],
    ['/api/v1/sites/%c3%28', 400],
    ['/a b', 400],
    ['/\u00e4', 400],
    ['/_next/image?url=%2Fx.png&w=64&q=75', 404],
    ['/_next/image', 404],
    [`/${'a'.repeat(9_000)}`, 414],
  ])('refuses %s', (target, status) => expect(ask(target)?.status).toBe(status));

  it('refuses methods that nothing here has', () => {
    for (const method of ['OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND'])
      expect(ask('/', { method })?.status).toBe(405);
  });

  it('answers to its own name only, so that rebinding a foreign name leads nowhere', () => {
    expect(ask('/', { host: 'evil.example.net' })?.status).toBe(421);
    expect(ask('/', { host: undefined })?.status).toBe(421);
    expect(ask('/', { host: 'siteplan.example.net.evil.example' })?.status).toBe(421);
    expect(ask('/', { host: 'localhost:3000' }, 'http://127.0.0.1:3000')).toBeNull();
    expect(ask('/', { host: 'evil.example.net:3000' }, 'http://127.0.0.1:3000')?.status).toBe(421);
    expect(ask('/readyz', { host: '10.0.0.7:3000' })).toBeNull();
  });

  it('refuses bodies larger than any topology', () => {
    expect(ask('/', { method: 'POST', contentLength: '1000' })).toBeNull();
    expect(ask('/', { method: 'POST', contentLength: String(64 * 1_024 * 1_024) })?.status).toBe(413);
  });
});

describe('headers', () => {
  it('strips what must not come from outside and keeps the rest', () => {
    const headers = {
      host: 'a',
      cookie: 'b',
      'x-middleware-subrequest': 'middleware',
      'content-security-policy': "script-src 'nonce-evil'",
      'x-nonce': 'evil',
      'x-siteplan-ip': '1.2.3.4',
      'x-request-id': 'evil',
      'x-forwarded-for': '1.2.3.4',
      'x-forwarded-host': 'evil.example.net',
      'x-invoke-path': '/admin',
      forwarded: 'for=1.2.3.4',
    };
    stripHeaders(headers);
    expect(headers).toEqual({ host: 'a', cookie: 'b' });
  });

  it('makes a nonce of 128 bits for each response', () => {
    const nonces = Array.from({ length: 100 }, createNonce);
    expect(new Set(nonces).size).toBe(100);
    expect(Buffer.from(nonces[0] ?? '', 'base64')).toHaveLength(16);
  });

  it('allows scripts by nonce only, and eval only in development', () => {
    const policy = toContentSecurityPolicy('abc', { isHttps: true, isDevelopment: false });
    expect(policy).toContain("script-src 'nonce-abc' 'strict-dynamic';");
    expect(policy).toMatch(
      /object-src 'none'; base-uri 'none'.*frame-ancestors 'none'; upgrade-insecure-requests$/,
    );
    expect(policy.replace("style-src-attr 'unsafe-inline'", '')).not.toMatch(/unsafe|http|\*/);
    expect(toContentSecurityPolicy('abc', { isHttps: false, isDevelopment: true })).toContain(
      "'unsafe-eval'",
    );
  });

  it('believes the last forwarded address only where it is told to', () => {
    expect(toClientIp('::ffff:192.0.2.7', undefined)).toBe('192.0.2.7');
    expect(toClientIp('10.0.0.1', '6.6.6.6, 192.0.2.9')).toBe('192.0.2.9');
    expect(toClientIp('10.0.0.1', 'nonsense"')).toBe('10.0.0.1');
  });
});
