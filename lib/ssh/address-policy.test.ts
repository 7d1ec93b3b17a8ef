import { describe, expect, it } from 'vitest';
import { findAddressRefusal } from './address-policy';

const REFUSED = [
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['::1', 'loopback'],
  ['169.254.169.254', 'metadata'],
  ['169.254.0.1', 'link-local'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local'],
  ['febf::1', 'link-local'],
  ['fd00:ec2::254', 'metadata'],
  ['100.100.100.200', 'metadata'],
  ['168.63.129.16', 'metadata'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.250', 'multicast'],
  ['ff02::1', 'multicast'],
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['::', 'unspecified'],
  ['255.255.255.255', 'reserved'],
  ['240.0.0.1', 'reserved'],
  ['::ffff:127.0.0.1', 'IPv4 address in IPv6'],
  ['::ffff:169.254.169.254', 'IPv4 address in IPv6'],
  ['::ffff:10.0.0.1', 'IPv4 address in IPv6'],
  ['::ffff:7f00:1', 'IPv4 address in IPv6'],
  ['64:ff9b::7f00:1', 'IPv4 address in IPv6'],
  ['::7f00:1', 'IPv4 address in IPv6'],
  ['', 'no IP'],
  ['localhost', 'no IP'],
  ['127.1', 'no IP'],
  ['0x7f.0.0.1', 'no IP'],
  ['2130706433', 'no IP'],
  ['10.0.0.1\n', 'no IP'],
] as const;

const ALLOWED = [
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.10',
  '192.0.2.12',
  '100.64.0.1',
  '8.8.8.8',
  '126.255.255.255',
  '128.0.0.1',
  '223.255.255.255',
  '2001:db8::1',
  'fd12::1',
];

describe('address policy (S18)', () => {
  it.each(REFUSED)('refuses %j as %s', (address, reason) => {
    expect(findAddressRefusal(address, 22, {})).toContain(reason);
  });

  it.each(ALLOWED)('allows %s', (address) => {
    expect(findAddressRefusal(address, 22, {})).toBeNull();
  });

  it('lets an administrator allow a network, and nothing beside it', () => {
    const policy = { allow: ['127.0.0.0/8', '169.254.10.0/24'] };
    expect(findAddressRefusal('127.0.0.1', 22, policy)).toBeNull();
    expect(findAddressRefusal('169.254.10.7', 22, policy)).toBeNull();
    expect(findAddressRefusal('169.254.169.254', 22, policy)).not.toBeNull();
    expect(findAddressRefusal('::1', 22, policy)).not.toBeNull();
    expect(findAddressRefusal('::ffff:127.0.0.1', 22, policy)).not.toBeNull();
  });

  it('never allows the endpoints of Siteplan itself', () => {
    const policy = { allow: ['0.0.0.0/0'], own: [{ address: '10.0.0.5', port: 5432 }] };
    expect(findAddressRefusal('10.0.0.5', 5432, policy)).toBe('Siteplan itself');
    expect(findAddressRefusal('10.0.0.5', 22, policy)).toBeNull();
  });
});
