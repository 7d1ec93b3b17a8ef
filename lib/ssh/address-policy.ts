import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/**
 * Which addresses a connection may go to (S18). Loopback, link-local, metadata, multicast and the like are refused
 * unless `allow` names them; `own` are endpoints of Siteplan itself (database, API), refused whatever `allow` says.
 */
export interface AddressPolicy {
  /** IPv4 or IPv6 networks in CIDR form, set by an administrator. */
  readonly allow?: readonly string[];
  readonly own?: readonly { readonly address: string; readonly port: number }[];
}

/** RFC 6890 and the metadata services of the clouds; the first match names the reason. */
const REFUSED: readonly (readonly [string, string])[] = [
  ['127.0.0.0/8', 'a loopback address'],
  ['::1/128', 'a loopback address'],
  ['169.254.0.0/16', 'a link-local or metadata address'],
  ['fe80::/10', 'a link-local address'],
  ['fd00:ec2::/32', 'a metadata address'],
  ['100.100.100.200/32', 'a metadata address'],
  ['168.63.129.16/32', 'a metadata address'],
  ['224.0.0.0/4', 'a multicast address'],
  ['ff00::/8', 'a multicast address'],
  ['0.0.0.0/8', 'an unspecified address'],
  ['::/128', 'an unspecified address'],
  ['240.0.0.0/4', 'a reserved address'],
  ['::ffff:0:0/96', 'an IPv4 address in IPv6 form'],
  ['64:ff9b::/96', 'an IPv4 address in IPv6 form'],
  ['::/96', 'an IPv4 address in IPv6 form'],
];

function isInNetwork(address: string, cidr: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  const family = isIP(address);
  if (family === 0 || isIP(network) !== family) return false;
  const list = new BlockList();
  const name = family === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(network, Number(prefix), name);
  return list.check(address, name);
}

/** Why a connection to this IP address and port is refused, or null when it is allowed. */
export function findAddressRefusal(address: string, port: number, policy: AddressPolicy): string | null {
  const bare = address.replace(/%.*$/, '');
  if (isIP(bare) === 0) return 'no IP address';
  if (policy.own?.some((own) => own.port === port && own.address === bare)) return 'Siteplan itself';
  // BlockList matches a mapped address against IPv4 networks, so the form is checked by itself, before any allowance.
  const isMapped = isIP(bare) === 6 && isInNetwork(bare, '::ffff:0:0/96');
  if (!isMapped && policy.allow?.some((cidr) => isInNetwork(bare, cidr))) return null;
  return REFUSED.find(([cidr]) => isInNetwork(bare, cidr))?.[1] ?? null;
}

/** All addresses of a name, once. Rejects with the resolver's error (`ENOTFOUND`, `EAI_AGAIN`). */
export async function resolveHost(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);
}
