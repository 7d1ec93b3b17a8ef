/** An IPv4 network as plain numbers. IPv6 is not known here: pods behind Tailscale's MTU could not use it. */
export interface Cidr {
  /** First address as an unsigned 32-bit number. */
  readonly base: number;
  /** Prefix length, 0-32. */
  readonly prefix: number;
}

/** `192.0.2.1` as an unsigned number, or null. Leading zeros are refused: some programs read them as octal. */
export function findIpv4(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part)) return null;
    const octet = Number(part);
    if (octet > 255) return null;
    value = value * 256 + octet;
  }
  return value;
}

/** The dotted form of an unsigned 32-bit number. */
export function toIpv4Text(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

/** `10.42.0.0/16` as a network, or null when it is no network (host bits set, prefix out of range). */
export function findCidr(text: string): Cidr | null {
  const match = /^([\d.]+)\/(\d|[12]\d|3[0-2])$/.exec(text);
  if (!match) return null;
  const base = findIpv4(match[1] ?? '');
  const prefix = Number(match[2]);
  if (base === null || base % 2 ** (32 - prefix) !== 0) return null;
  return { base, prefix };
}

/** Like `findCidr`, but throws. */
export function parseCidr(text: string): Cidr {
  const cidr = findCidr(text);
  if (!cidr) throw new Error(`not an IPv4 network: ${text}`);
  return cidr;
}

export function toCidrText({ base, prefix }: Cidr): string {
  return `${toIpv4Text(base)}/${prefix}`;
}

export function hasAddress(cidr: Cidr, address: number): boolean {
  return address >= cidr.base && address < cidr.base + 2 ** (32 - cidr.prefix);
}

export function doCidrsOverlap(a: Cidr, b: Cidr): boolean {
  return hasAddress(a, b.base) || hasAddress(b, a.base);
}

/** Tailscale's address range (RFC 6598 carrier-grade NAT). */
export const TAILNET_CIDR: Cidr = { base: 0x64400000, prefix: 10 };
