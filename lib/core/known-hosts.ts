import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { toSafeLine } from './text';

/** A line of a known_hosts file that says something about hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
export interface KnownHostsEntry {
  /** From 1. */
  readonly line: number;
  /** `revoked`: the key must never be trusted for these hosts. */
  readonly kind: 'key' | 'revoked';
  /** The first field, as it stands. */
  readonly hosts: string;
  readonly algorithm: string;
  /** The whole key in base64. */
  readonly publicKey: string;
}

/** A line that is not taken over, in words. */
interface KnownHostsRefusal {
  readonly line: number;
  readonly reason: string;
}

interface KnownHosts {
  readonly entries: readonly KnownHostsEntry[];
  readonly refused: readonly KnownHostsRefusal[];
}

const KEY_TYPE = /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521))$/;
const OTHER_KEY_TYPE = /^(ssh-|ecdsa-|sk-|rsa-)[a-z0-9@.-]+$/;
const BASE64 = /^[A-Za-z0-9+/]{16,}={0,2}$/;
const HASHED = /^\|1\|[A-Za-z0-9+/]{27}=\|[A-Za-z0-9+/]{27}=$/;
/** Names, addresses, `[host]:port`, wildcards and negation, separated by commas. */
const PATTERNS = /^!?[^\s,!|]+(,!?[^\s,!|]+)*$/;

function toBytes(base64: string): Uint8Array {
  const text = atob(base64);
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** The type that stands inside a key blob (RFC 4253 6.6), or null. */
function findInnerType(publicKey: string): string | null {
  if (publicKey.length % 4 !== 0) return null;
  const bytes = toBytes(publicKey);
  const length = ((bytes[0] ?? 1) << 24) | ((bytes[1] ?? 0) << 16) | ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  if (length <= 0 || length > 64 || bytes.length <= 4 + length) return null;
  return String.fromCharCode(...bytes.subarray(4, 4 + length));
}

function parseLine(text: string, line: number): KnownHostsEntry | KnownHostsRefusal | null {
  const words = text.trim().split(/[ \t]+/);
  if (words[0] === '' || words[0]?.startsWith('#')) return null;
  const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
  if (marker === '@cert-authority') {
    return { line, reason: 'host certificates are not supported: enter the key of the host itself' };
  }
  if (marker !== undefined && marker !== '@revoked') {
    return { line, reason: `the marker ${toSafeLine(marker, 40)} is not known` };
  }
  const [hosts = '', algorithm = '', publicKey = ''] = words;
  if (hosts.startsWith('|') ? !HASHED.test(hosts) : !PATTERNS.test(hosts)) {
    return { line, reason: 'the host field cannot be read' };
  }
  if (!KEY_TYPE.test(algorithm)) {
    const isType = OTHER_KEY_TYPE.test(algorithm) && algorithm.length <= 60;
    const reason = isType ? `keys of type ${algorithm} are not accepted` : 'this is not a known_hosts line';
    return { line, reason };
  }
  if (!BASE64.test(publicKey) || findInnerType(publicKey) !== algorithm) {
    return { line, reason: 'the key is cut short or is not of the type that the line states' };
  }
  return { line, kind: marker ? 'revoked' : 'key', hosts, algorithm, publicKey };
}

/** Reads a known_hosts file. Never throws: what cannot be taken over is refused line by line. */
export function parseKnownHosts(text: string): KnownHosts {
  const entries: KnownHostsEntry[] = [];
  const refused: KnownHostsRefusal[] = [];
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    const parsed = parseLine(line, index + 1);
    if (parsed && 'kind' in parsed) entries.push(parsed);
    else if (parsed) refused.push(parsed);
  }
  return { entries, refused };
}

/** `*` stands for any characters, `?` for one; names are compared in lower case. Linear in the product of lengths. */
function matchesPattern(pattern: string, name: string): boolean {
  let reachable = new Set([0]);
  for (const char of pattern) {
    const next = new Set<number>();
    for (const at of reachable) {
      if (char === '*') for (let to = at; to <= name.length; to += 1) next.add(to);
      else if (at < name.length && (char === '?' || char === name[at])) next.add(at + 1);
    }
    reachable = next;
  }
  return reachable.has(name.length);
}

function matchesHash(hosts: string, name: string): boolean {
  const [, , salt = '', wanted = ''] = hosts.split('|');
  const found = hmac(sha1, toBytes(salt), utf8ToBytes(name));
  return toBytes(wanted).every((byte, index) => byte === found[index]);
}

/** How known_hosts writes an address: as it stands for port 22, `[address]:port` for others. */
export function toKnownHostName(address: string, port: number): string {
  const name = address.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

/** True when the line is about this address and port. A negated pattern that matches excludes the line (sshd(8)). */
export function matchesKnownHost(entry: KnownHostsEntry, address: string, port: number): boolean {
  const name = toKnownHostName(address, port);
  if (entry.hosts.startsWith('|')) return matchesHash(entry.hosts, name);
  let isMatch = false;
  for (const pattern of entry.hosts.toLowerCase().split(',')) {
    const isNegated = pattern.startsWith('!');
    if (!matchesPattern(isNegated ? pattern.slice(1) : pattern, name)) continue;
    if (isNegated) return false;
    isMatch = true;
  }
  return isMatch;
}
