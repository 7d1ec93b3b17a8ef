import type { NodeId } from '@/lib/core/ids';
import { toSafeLine } from '@/lib/core/text';
import { FACT_FILE_LIMIT_BYTES } from './facts-script';
import { NodeFacts } from './facts';
import type { FileFact, UnitFact } from './facts';
import { maskSecrets } from './mask-secrets';

/** The worker's clock around the probe, milliseconds since 1970. */
export interface ProbeClock {
  readonly sentAtMs: number;
  readonly receivedAtMs: number;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64', arm64: 'arm64' };
const MAX_LIST = 2_000;

/**
 * The facts of one node from the output of `FACTS_SCRIPT`. `toSlotted` puts the slots of known secrets into a file's
 * text; what still looks like a secret is masked. Everything in the text is hostile: unknown lines are passed over,
 * numbers that are none become 0, text is made safe. Throws when the output is not whole.
 */
export function parseFacts(
  text: string,
  nodeId: NodeId,
  clock: ProbeClock,
  toSlotted: (text: string, path: string) => string = (content) => content,
): NodeFacts {
  const lines = text.split('\n');
  if (lines[0] !== 'siteplan-facts 1' || !lines.includes('end'))
    throw new Error('the facts did not arrive whole');
  const facts = new Reader(lines);
  const memory = (name: string) => Math.floor(toCount(facts.find('memory', `${name} `)) / 1_024);
  const os = (name: string) => facts.find('os', `${name}=`).replace(/^"(.*)"$/, '$1');
  const machine = facts.find('machine');
  const hostMs = (toCount(facts.find('begun')) + toCount(facts.find('ended'))) / 2;
  return NodeFacts.parse({
    nodeId,
    hostname: facts.find('hostname'),
    machineId: facts.find('machine-id'),
    bootId: facts.find('boot-id'),
    arch: ARCHITECTURES[machine] ?? machine,
    osId: os('ID'),
    osVersion: os('VERSION_ID'),
    osName: os('PRETTY_NAME'),
    kernel: facts.find('kernel'),
    hasSystemd: facts.find('systemd') === 'yes',
    cpus: toCount(facts.find('cpus')),
    memoryMiB: memory('MemTotal:'),
    swapMiB: memory('SwapTotal:'),
    dataFreeGiB: Math.round(toCount(facts.find('data-free-kib')) / 104_857.6) / 10,
    addresses: facts.all('address').flatMap(findAddress),
    hasDefaultRoute: facts.find('default-route') !== '',
    resolvers: [...new Set(facts.all('resolver'))],
    listening: facts.all('listen').flatMap(findListener),
    units: toUnits(facts),
    missingTools: facts.all('missing'),
    selinux: facts.find('selinux') || 'absent',
    rke2Version: findVersion(facts.find('rke2')),
    hasEtcdData: facts.find('etcd-data') === 'yes',
    clusterNodes: facts.all('cluster-node').flatMap(findClusterNode),
    certificateDays: findDays(facts.find('certificate-days')),
    dropIns: facts
      .all('drop-in')
      .map((name) => toSafeLine(decodeText(name) ?? '(unreadable name)', 200))
      .sort(),
    files: toFiles(lines, toSlotted),
    stamps: toStamps(facts),
    clockOffsetMs: Math.round(hostMs - (clock.sentAtMs + clock.receivedAtMs) / 2),
  });
}

/** Lines by their first word, made safe. */
class Reader {
  private readonly byKey = new Map<string, string[]>();

  constructor(lines: readonly string[]) {
    for (const line of lines) {
      const space = line.indexOf(' ');
      const key = space < 0 ? line : line.slice(0, space);
      const values = this.byKey.get(key) ?? [];
      if (values.length >= MAX_LIST) continue;
      values.push(toSafeLine(space < 0 ? '' : line.slice(space + 1), 300));
      this.byKey.set(key, values);
    }
  }

  all(key: string): readonly string[] {
    return this.byKey.get(key) ?? [];
  }

  /** The rest of the first line with this key and, after it, this prefix; empty when there is none. */
  find(key: string, prefix = ''): string {
    const value = this.all(key).find((candidate) => candidate.startsWith(prefix));
    return value === undefined ? '' : value.slice(prefix.length).trim();
  }
}

function findDays(text: string): number | null {
  return /^-?\d{1,6}$/.test(text) ? Number(text) : null;
}

function toCount(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

/** `eth0 192.0.2.11/24`, or with a peer's name behind an `@` (a container's end of a pair). */
function findAddress(text: string): NodeFacts['addresses'] {
  const match = /^([^\s@]{1,32})(?:@\S*)? ([0-9A-Fa-f.:]{2,45})(?:\/(\d{1,3}))?$/.exec(text);
  if (!match?.[1] || !match[2]) return [];
  const whole = match[2].includes(':') ? 128 : 32;
  return [{ interface: match[1], address: match[2], prefix: Number(match[3] ?? whole) }];
}

/** `s1 control-plane=true etcd=true voter=True`; what a Node does not say is empty. */
function findClusterNode(text: string): NodeFacts['clusterNodes'] {
  const match = /^([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?) control-plane=(\S*) etcd=(\S*) voter=(\S*)$/.exec(
    text,
  );
  if (!match?.[1]) return [];
  const isServer = match[2] === 'true' || match[3] === 'true';
  return [{ name: match[1], role: isServer ? 'server' : 'agent', isVoter: match[4] === 'True' }];
}

/** `tcp 0.0.0.0:6443 users:(("kube-apiserver",pid=1,fd=3))` as `ss` prints it; a zone after `%` is dropped. */
function findListener(text: string): NodeFacts['listening'] {
  const match = /^(tcp|udp) (\S{1,80}):(\d{1,5})(?: +(.*))?$/.exec(text);
  if (!match?.[2]) return [];
  const protocol = match[1] === 'udp' ? 'udp' : 'tcp';
  const address = match[2].replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  const process = /\(\("([^"]{1,60})"/.exec(match[4] ?? '')?.[1] ?? '';
  return [{ protocol, address, port: Number(match[3]), process }];
}

/** Blocks of `Name=value`, each with its own Id; a unit that is not there is left out. */
function toUnits(facts: Reader): Record<string, UnitFact> {
  const units: Record<string, UnitFact> = {};
  let block: Record<string, string> = {};
  const close = () => {
    const { Id: id, LoadState: load = '', ActiveState: active = '', UnitFileState: enabled = '' } = block;
    block = {};
    if (id === undefined || !/^[A-Za-z0-9@_.-]{1,100}$/.test(id) || load === '' || load === 'not-found')
      return;
    const isIdleUfw = id === 'ufw.service' && facts.find('ufw-enabled') !== 'yes';
    units[id] = { load, active: isIdleUfw ? 'inactive' : active, enabled };
  };
  for (const line of facts.all('unit')) {
    const split = line.indexOf('=');
    if (split > 0) block[line.slice(0, split)] = line.slice(split + 1);
    else close();
  }
  close();
  return units;
}

/** `rke2 version v1.35.7+rke2r1 (commit)` (RKE2 --version). */
function findVersion(text: string): string | null {
  if (text === '') return null;
  return /^rke2 version (\S{1,60})/.exec(text)?.[1] ?? 'unknown';
}

function toStamps(facts: Reader): Record<string, string> {
  const pairs = facts.all('stamp').map((line) => line.split(' '));
  return Object.fromEntries(
    pairs.flatMap(([name = '', value = '']) =>
      /^[A-Za-z0-9][A-Za-z0-9.@-]{0,99}$/.test(name) ? [[name, value]] : [],
    ),
  );
}

/** From the raw lines, because contents are longer than a safe line. */
function toFiles(
  lines: readonly string[],
  toSlotted: (text: string, path: string) => string,
): Record<string, FileFact | null> {
  const files: Record<string, FileFact | null> = {};
  for (const line of lines) {
    const absent = /^no-file ([A-Za-z0-9+/=]{1,6000})$/.exec(line);
    const present =
      /^file ([A-Za-z0-9+/=]{1,6000}) ([0-7]{1,5}) (\S{1,64}) (\S{1,64}) =(-|[A-Za-z0-9+/=]*)$/.exec(line);
    const path = decodeText(absent?.[1] ?? present?.[1] ?? '');
    if (!path) continue;
    if (!present) {
      files[path] = null;
      continue;
    }
    const [, , mode = '', owner = '', group = '', encoded = '-'] = present;
    const content = encoded === '-' ? null : decodeText(encoded);
    files[path] = {
      mode: mode.padStart(4, '0'),
      owner: toSafeLine(owner),
      group: toSafeLine(group),
      content: content === null ? null : maskSecrets(toSlotted(content, path)),
    };
  }
  return files;
}

/** Base64 of UTF-8 text of at most the limit, or null for anything else, NUL included: no database text holds it. */
function decodeText(encoded: string): string | null {
  if (encoded.length > FACT_FILE_LIMIT_BYTES * 1.4) return null;
  try {
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}
