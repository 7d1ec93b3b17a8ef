import type { Link, LinkPort, LinkState, VipAnswer } from './check-definition';
import { toShortList } from './check-result';
import type { Dial } from './link-plan';
import { isReached, LINK_STATE_WORDS, toPortStatus } from './link-states';

/** What a node's listener said of each port: `PROTOCOL PORT` to what became of it; null where it said nothing at all. */
export type ListenReport = ReadonlyMap<string, 'listening' | 'taken' | 'failed'> | null;

/** By the number of the dial on its node; null where the node could dial nothing. */
export type DialReport = ReadonlyMap<number, LinkState> | null;

const DIAL_STATES: Readonly<Record<string, LinkState>> = {
  open: 'open',
  blocked: 'blocked',
  refused: 'refused',
  'no-route': 'no-route',
  stranger: 'stranger',
  'too-big': 'too-big',
  'no-source': 'unknown',
  error: 'unknown',
};

export function toPortKey({ protocol, port }: Pick<Dial, 'protocol' | 'port'>): string {
  return `${protocol} ${port ?? 0}`;
}

/** Lines of `LISTEN_SCRIPT` up to `ready`; null when the host has no means or said something else. */
export function parseListen(lines: readonly string[]): ListenReport {
  if (lines[0] !== 'siteplan-listen 1') return null;
  const report = new Map<string, 'listening' | 'taken' | 'failed'>();
  for (const line of lines) {
    const match = /^(listening|taken|failed) ((?:tcp|udp|vrrp) \d{1,5})$/.exec(line);
    if (match?.[2]) report.set(match[2], match[1] as 'listening'); // one of the three, by the pattern
  }
  return report;
}

/** Output of `DIAL_SCRIPT`; null when the host has no means or did not get to its end. */
export function parseDial(text: string): DialReport {
  const lines = text.split('\n');
  if (lines[0] !== 'siteplan-dial 1' || !lines.includes('end')) return null;
  const report = new Map<number, LinkState>();
  for (const line of lines) {
    const match = /^(\d{1,6}) ([a-z-]{1,20})$/.exec(line);
    const state = DIAL_STATES[match?.[2] ?? ''];
    if (match && state) report.set(Number(match[1]), state);
  }
  return report;
}

/** Who is behind the address that was asked for beside the dials, by the answer to an echo and the kernel's table. */
export function parseVip(text: string, state: LinkState | undefined): VipAnswer {
  const mac = /^arp ([0-9a-f]{2}(?::[0-9a-f]{2}){5})$/m.exec(text)?.[1] ?? '';
  if (state === 'open' || mac !== '') return { state: 'neighbour', mac };
  return { state: state === undefined || state === 'unknown' ? 'unknown' : 'silent', mac: '' };
}

/** What is known before anybody dials: null where a dial has to tell. */
export function findEarlyState(dial: Dial, target: ListenReport, runsKeepalived: boolean): LinkState | null {
  if (dial.protocol === 'icmp') return null;
  if (dial.protocol === 'vrrp' && runsKeepalived) return 'in-use';
  const found = target?.get(toPortKey(dial));
  if (found === 'listening') return null;
  // The real program answers a connection; a datagram it swallows, so that proves nothing.
  if (found === 'taken') return dial.protocol === 'tcp' ? null : 'in-use';
  return 'unknown';
}

/**
 * One link per pair and check, with its worst port's status: red where the cluster needs the port, amber where a
 * feature does, or where nothing could be found out. `countsInUse` tells whether a port in use is reached, which holds
 * only of the cluster's own programs (`isProof`); elsewhere it is unknown.
 */
export function toLinks(
  dials: readonly Dial[],
  findState: (dial: Dial, index: number) => LinkState,
  countsInUse: (dial: Dial) => boolean,
): Link[] {
  const groups = new Map<string, { dial: Dial; ports: LinkPort[] }>();
  const states = dials.map((dial, index) => {
    const state = findState(dial, index);
    return state === 'in-use' && !countsInUse(dial) ? 'unknown' : state;
  });
  const silent = new Set(
    dials.flatMap((dial, index) =>
      dial.checkId === 'reach-ping' && states[index] !== 'open' ? [`${dial.fromId} ${dial.toId}`] : [],
    ),
  );
  dials.forEach((dial, index) => {
    const { fromId, toId, checkId, ruleId, protocol, port, need } = dial;
    const key = `${fromId} ${toId} ${checkId}`;
    const group = groups.get(key) ?? { dial, ports: [] };
    groups.set(key, group);
    // A host that answers no echo at all says nothing about large ones.
    const isMute = checkId === 'path-mtu' && silent.has(`${fromId} ${toId}`);
    group.ports.push({
      ruleId,
      protocol,
      port,
      state: isMute ? 'unknown' : (states[index] ?? 'unknown'),
      need,
    });
  });
  return [...groups.values()].map(({ dial, ports }): Link => {
    const { fromId, toId, checkId } = dial;
    return {
      fromId,
      toId,
      checkId,
      status: toStatus(ports),
      value: toValue(checkId, ports, dial.size),
      ports,
    };
  });
}

function toStatus(ports: readonly LinkPort[]): Link['status'] {
  const all = ports.map(toPortStatus);
  return all.includes('fail') ? 'fail' : all.includes('warn') ? 'warn' : 'ok';
}

function toValue(checkId: Link['checkId'], ports: readonly LinkPort[], size: number | undefined): string {
  const bad = ports.filter(({ state }) => !isReached(state));
  const [first] = bad;
  if (checkId === 'path-mtu') {
    const bytes = `${(size ?? 0) + 28} bytes`;
    if (!first) return `${bytes} pass`;
    return first.state === 'unknown'
      ? 'unknown'
      : `${bytes}: ${first.state === 'blocked' ? 'lost' : LINK_STATE_WORDS[first.state]}`;
  }
  if (checkId === 'reach-ping')
    return first ? (first.state === 'blocked' ? 'no answer' : LINK_STATE_WORDS[first.state]) : 'answers';
  if (bad.length === 0) return ports.length === 1 ? 'open' : `all ${ports.length} open`;
  return toShortList(
    bad.map(
      ({ protocol, port, state }) =>
        `${protocol}${port === null ? '' : ` ${port}`} ${LINK_STATE_WORDS[state]}`,
    ),
  );
}
