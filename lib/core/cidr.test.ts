import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  doCidrsOverlap,
  findCidr,
  findIpv4,
  hasAddress,
  parseCidr,
  TAILNET_CIDR,
  toCidrText,
  toIpv4Text,
} from './cidr';
import type { Cidr } from './cidr';

const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const sizeOf = ({ prefix }: Cidr) => 2 ** (32 - prefix);
const cidr = fc.tuple(address, fc.integer({ min: 0, max: 32 })).map(([base, prefix]): Cidr => {
  const size = 2 ** (32 - prefix);
  return { base: Math.floor(base / size) * size, prefix };
});

describe('addresses', () => {
  it('go to text and back', () => {
    fc.assert(
      fc.property(address, (value) => {
        expect(findIpv4(toIpv4Text(value))).toBe(value);
      }),
    );
    expect(findIpv4('192.0.2.1')).toBe(0xc0000201);
    expect(toIpv4Text(0xffffffff)).toBe('255.255.255.255');
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4 ',
    '1.2.3.-4',
    '1.2.3.4/24',
    '0x1.2.3.4',
    '1..2.3',
    '１.2.3.4',
    '1e0.2.3.4',
  ])('are not read from %j', (text) => expect(findIpv4(text)).toBeNull());
});

describe('networks', () => {
  it('go to text and back', () => {
    fc.assert(
      fc.property(cidr, (network) => {
        expect(findCidr(toCidrText(network))).toEqual(network);
      }),
    );
  });

  it.each([
    '10.42.0.0',
    '10.42.0.0/33',
    '10.42.0.1/16',
    '10.42.0.0/016',
    '10.42.0.0/-1',
    '10.42.0.0/',
    '/16',
    '10.42.0/16',
    '10.42.0.0/16 ',
  ])('are not read from %j', (text) => {
    expect(findCidr(text)).toBeNull();
    expect(() => parseCidr(text)).toThrow(`not an IPv4 network: ${text}`);
  });

  it('hold exactly the addresses from their base to their size', () => {
    fc.assert(
      fc.property(cidr, address, (network, value) => {
        expect(hasAddress(network, value)).toBe(
          Math.floor(value / sizeOf(network)) === network.base / sizeOf(network),
        );
        expect(hasAddress(network, network.base)).toBe(true);
        expect(hasAddress(network, network.base + sizeOf(network) - 1)).toBe(true);
        expect(hasAddress(network, network.base + sizeOf(network))).toBe(false);
        expect(hasAddress(network, network.base - 1)).toBe(false);
      }),
    );
  });

  it('overlap exactly when one holds the other whole', () => {
    const related = fc.tuple(cidr, fc.nat()).chain(([network, pick]) => {
      const inner = fc.integer({ min: network.prefix, max: 32 }).map((prefix): Cidr => {
        const size = 2 ** (32 - prefix);
        return { base: network.base + Math.floor((pick % sizeOf(network)) / size) * size, prefix };
      });
      return fc.tuple(fc.constant(network), fc.oneof(inner, cidr));
    });
    fc.assert(
      fc.property(related, ([a, b]) => {
        const last = (network: Cidr) => network.base + sizeOf(network) - 1;
        const isApart = last(a) < b.base || last(b) < a.base;
        expect(doCidrsOverlap(a, b)).toBe(!isApart);
        expect(doCidrsOverlap(b, a)).toBe(!isApart);
        expect(doCidrsOverlap(a, a)).toBe(true);
      }),
    );
  });

  it('include the tailnet', () => {
    expect(toCidrText(TAILNET_CIDR)).toBe('100.64.0.0/10');
    expect(
      [TAILNET_CIDR].map((network) =>
        ['100.63.255.255', '100.64.0.0', '100.127.255.255', '100.128.0.0'].map((text) =>
          hasAddress(network, findIpv4(text) ?? 0),
        ),
      ),
    ).toEqual([[false, true, true, false]]);
  });
});
