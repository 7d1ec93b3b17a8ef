import { describe, expect, it } from 'vitest';
import { AppError } from '@/lib/core/errors';
import { takeApiRate } from './api-rate';
import { toLocalPath } from './local-path';
import { refuseCrossSite } from './same-origin';
import { toRateAddress } from './sign-in';
import { takeStreamSlot } from './stream-slots';

describe('toLocalPath', () => {
  it.each([
    ['/sites/s-1?tab=a', '/sites/s-1?tab=a'],
    [undefined, '/'],
    ['', '/'],
    ['//evil.example.net', '/'],
    ['/\\evil.example.net', '/'],
    ['https://evil.example.net', '/'],
    ['/\tevil', '/'],
    ['javascript:alert(1)', '/'],
    ['/login?next=/login', '/'],
    ['/a/../../b', '/b'],
  ])('%j becomes %j', (next, path) => expect(toLocalPath(next)).toBe(path));
});

describe('toRateAddress', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:DB8:0001:0002::ffff', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8:0:0:1::', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['', ''],
  ])('%j counts as %j', (ip, address) => expect(toRateAddress(ip)).toBe(address));
});

describe('refuseCrossSite', () => {
  const ask = (headers: Record<string, string>, publicUrl = 'https://siteplan.example.net') => {
    return () => refuseCrossSite(new Headers(headers), publicUrl);
  };

  it.each([
    [{ origin: 'https://siteplan.example.net' }],
    [{ origin: 'https://siteplan.example.net', 'sec-fetch-site': 'same-origin' }],
    [{ 'sec-fetch-site': 'same-origin' }],
  ])('lets %j pass', (headers) => expect(ask(headers)).not.toThrow());

  it.each([
    [{}],
    [{ origin: 'null' }],
    [{ origin: 'https://siteplan.example.net.evil.example' }],
    [{ origin: 'http://siteplan.example.net' }],
    [{ origin: 'https://siteplan.example.net:8443' }],
    [{ origin: 'https://siteplan.example.net', 'sec-fetch-site': 'same-site' }],
    [{ origin: 'https://siteplan.example.net', 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'none' }],
  ])('refuses %j', (headers) => expect(ask(headers as Record<string, string>)).toThrow(AppError));

  it('takes localhost for 127.0.0.1 on the same port only', () => {
    const local = 'http://127.0.0.1:3000';
    expect(ask({ origin: 'http://localhost:3000' }, local)).not.toThrow();
    expect(ask({ origin: 'http://localhost:3001' }, local)).toThrow(AppError);
    expect(ask({ origin: 'http://evil.example.net:3000' }, local)).toThrow(AppError);
  });
});

describe('limits in memory', () => {
  it('counts 600 requests a minute per person', () => {
    for (let i = 0; i < 600; i++) takeApiRate('u-rate', 1_000);
    expect(() => takeApiRate('u-rate', 31_000)).toThrow(/again in 30 s/);
    expect(() => takeApiRate('u-other', 31_000)).not.toThrow();
    expect(() => takeApiRate('u-rate', 61_000)).not.toThrow();
  });

  it('gives 30 streams to a person and takes each back once', () => {
    const releases = Array.from({ length: 30 }, () => takeStreamSlot('u-slots'));
    expect(() => takeStreamSlot('u-slots')).toThrow(AppError);
    releases[0]?.();
    releases[0]?.();
    takeStreamSlot('u-slots');
    expect(() => takeStreamSlot('u-slots')).toThrow(AppError);
  });
});
