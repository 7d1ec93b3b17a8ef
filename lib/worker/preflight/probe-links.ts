import { randomBytes } from 'node:crypto';
import type { NodeId } from '@/lib/core/ids';
import type { Link, LinkState, VipAnswer } from '@/lib/health/check-definition';
import { isActive } from '@/lib/health/check-result';
import type { NodeFacts } from '@/lib/health/facts';
import type { Dial, LinkPlan } from '@/lib/health/link-plan';
import { isProof } from '@/lib/health/link-proof';
import { DIAL_SCRIPT, END_LISTENER_SCRIPT, LISTEN_SCRIPT } from '@/lib/health/probe-script';
import {
  findEarlyState,
  parseDial,
  parseListen,
  parseVip,
  toLinks,
  toPortKey,
  type DialReport,
  type ListenReport,
} from '@/lib/health/to-links';
import { createLineSplitter } from '@/lib/collect/node-sampler';
import type { HostConnection } from '@/lib/ssh/connect-host';
import { HostError } from '@/lib/ssh/host-error';
import { findNode } from '@/lib/topology/find-node';
import { forEachNode, HOSTS_AT_ONCE, type JobContext } from '../jobs/job-context';

/** How long one dial may take; a lost SYN is sent again after one second and after three. */
const DIAL_SECONDS = 4;
/** Dials that go on at the same time on one host; `DIAL_SCRIPT` takes the rest after them. */
const DIALS_AT_ONCE = 100;
const LISTEN_READY_MS = 20_000;
/** A worker that dies leaves listeners for this long at most. */
const MAX_LISTEN_SECONDS = 900;

export interface ProbedLinks {
  readonly links: readonly Link[];
  readonly vips: ReadonlyMap<string, VipAnswer>;
}

interface Listener {
  readonly report: ListenReport;
  readonly token: string;
  /** Resolves when the host listens no more; never rejects. */
  readonly close: () => Promise<void>;
}

const MUTE: Listener = { report: null, token: '', close: () => Promise.resolve() };

/**
 * Opens listeners on all hosts of the plan, dials from host to host, closes the listeners. Writes nothing on the hosts;
 * the listeners end by themselves after some minutes, or a second after the connection is gone. A host that cannot take
 * part makes its links unknown. `vipAskers` ask beside it who has the virtual IP.
 */
export async function probeLinks(
  job: JobContext,
  plan: LinkPlan,
  facts: readonly NodeFacts[],
  vipAskers: readonly NodeId[],
): Promise<ProbedLinks> {
  const readable = new Set(facts.map(({ nodeId }) => nodeId));
  const byFrom = new Map<NodeId, Dial[]>(vipAskers.filter((id) => readable.has(id)).map((id) => [id, []]));
  for (const dial of plan.dials) byFrom.set(dial.fromId, [...(byFrom.get(dial.fromId) ?? []), dial]);
  const seconds = toListenSeconds([...byFrom.values()]);
  const listeners = new Map<NodeId, Listener>();
  const reports = new Map<NodeId, DialReport>();
  const vips = new Map<string, VipAnswer>();
  const runsKeepalived = (id: NodeId) =>
    facts.some((one) => one.nodeId === id && isActive(one, 'keepalived.service'));
  const toEarly = (dial: Dial) =>
    findEarlyState(dial, listeners.get(dial.toId)?.report ?? null, runsKeepalived(dial.toId));
  try {
    await job.progress(`listening on ${plan.listeners.size} hosts`);
    await forEachNode(
      [...plan.listeners.keys()].filter((id) => readable.has(id)),
      async (id) => void listeners.set(id, await openListener(job, id, plan, seconds)),
    );
    await job.progress(`dialling ${plan.dials.length} ports from ${byFrom.size} hosts`);
    await forEachNode(
      [...byFrom.keys()].filter((id) => readable.has(id)),
      async (id) => {
        const lines = toDialLines(job, byFrom.get(id) ?? [], (dial) => ({
          isEarly: toEarly(dial) !== null,
          token: listeners.get(dial.toId)?.token ?? '',
          isTaken: listeners.get(dial.toId)?.report?.get(toPortKey(dial)) === 'taken',
        }));
        const text = await dialFrom(job, id, lines, vipAskers.includes(id));
        const report = parseDial(text);
        reports.set(id, report);
        if (vipAskers.includes(id)) vips.set(id, parseVip(text, report?.get(VIP_NUMBER)));
      },
    );
  } finally {
    await Promise.all([...listeners.values()].map(({ close }) => close()));
  }
  const numbers = new Map([...byFrom.values()].flatMap((dials) => dials.map((dial, index) => [dial, index])));
  const factsOf = (id: NodeId) => facts.find(({ nodeId }) => nodeId === id);
  const links = toLinks(
    plan.dials,
    (dial) => {
      const dialled = reports.get(dial.fromId)?.get(numbers.get(dial) ?? -1) ?? 'unknown';
      const isHeld = listeners.get(dial.toId)?.report?.get(toPortKey(dial)) === 'taken';
      return toEarly(dial) ?? (isHeld ? toHeldState(dialled) : dialled);
    },
    (dial) => isProof(dial, factsOf(dial.fromId), factsOf(dial.toId)),
  );
  return { links, vips };
}

/** A port that another program holds: a refusal may be that program's end, so it proves nothing. */
function toHeldState(dialled: LinkState): LinkState {
  if (dialled === 'open') return 'in-use';
  return dialled === 'refused' ? 'unknown' : dialled;
}

/** Hosts dial a few at a time, so the last one's listeners must live as long as all before it may take. */
function toListenSeconds(dials: readonly (readonly Dial[])[]): number {
  const rounds = dials.map((some) => Math.ceil(some.length / DIALS_AT_ONCE) * DIAL_SECONDS + 10);
  const total =
    rounds.reduce((sum, one) => sum + one, 0) / Math.min(HOSTS_AT_ONCE, Math.max(1, rounds.length));
  return Math.min(MAX_LISTEN_SECONDS, Math.ceil(60 + total));
}

async function openListener(
  job: JobContext,
  nodeId: NodeId,
  plan: LinkPlan,
  seconds: number,
): Promise<Listener> {
  const address = findNode(job.topology, nodeId)?.internalIp ?? '';
  const spec = (plan.listeners.get(nodeId) ?? [])
    .map(({ protocol, port }) => `${protocol} ${address} ${port ?? 0}`)
    .join('\n');
  const token = randomBytes(16).toString('hex');
  try {
    const connection = await job.hosts.connect(nodeId);
    const variables = { spec, token, seconds: String(seconds), root: '' };
    return { token, ...(await startListening(connection, variables, job.signal)) };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return MUTE;
  }
}

/** Resolves once the host listens, has no means, or took too long. */
async function startListening(
  connection: HostConnection,
  variables: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Pick<Listener, 'report' | 'close'>> {
  const lines: string[] = [];
  let settle: () => void = () => undefined;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const split = createLineSplitter((line) => {
    // After `ready` come dots only, for as long as it lasts.
    if (lines.at(-1) === 'ready' || lines.length > 200) return;
    lines.push(line);
    if (line === 'ready' || line === 'no-means') settle();
  });
  const stream = await connection.stream({ script: LISTEN_SCRIPT, variables, onData: split });
  stream.done.then(settle, settle);
  const timer = setTimeout(settle, LISTEN_READY_MS);
  signal.addEventListener('abort', settle, { once: true });
  await settled;
  clearTimeout(timer);
  signal.removeEventListener('abort', settle);
  const report = lines.at(-1) === 'ready' ? parseListen(lines) : null;
  const pid = lines.flatMap((line) => /^pid (\d{1,10})$/.exec(line)?.[1] ?? []).at(0) ?? '';
  const close = async () => {
    // It would end by itself a second after its output is closed; the next preflight should not meet it.
    await endListener(connection, { pid, token: variables['token'] ?? '' }).catch(() => undefined);
    stream.close();
  };
  return { report, close };
}

async function endListener(
  connection: HostConnection,
  variables: { readonly pid: string; readonly token: string },
): Promise<void> {
  const shell = connection.openShell();
  await shell.run({ script: END_LISTENER_SCRIPT, variables, timeoutMs: 15_000 }).finally(shell.close);
}

/** Above the numbers of a node's own dials. */
const VIP_NUMBER = 999_999;

interface DialTarget {
  readonly isEarly: boolean;
  readonly token: string;
  readonly isTaken: boolean;
}

function toDialLines(job: JobContext, dials: readonly Dial[], find: (dial: Dial) => DialTarget): string[] {
  const addressOf = (id: NodeId) => findNode(job.topology, id)?.internalIp ?? '';
  return dials.flatMap((dial, index) => {
    const { isEarly, token, isTaken } = find(dial);
    if (isEarly) return [];
    const word = dial.protocol === 'icmp' ? String(dial.size ?? 56) : isTaken ? '-' : token;
    const { protocol, port, fromId, toId } = dial;
    return [`${index} ${protocol} ${addressOf(fromId)} ${addressOf(toId)} ${port ?? 0} ${word}`];
  });
}

/** What the host printed; empty where it could not be asked. */
async function dialFrom(
  job: JobContext,
  nodeId: NodeId,
  lines: readonly string[],
  asksVip: boolean,
): Promise<string> {
  const vip = asksVip ? (job.topology.registration.vip ?? '') : '';
  const own = findNode(job.topology, nodeId)?.internalIp ?? '';
  const all = vip === '' ? lines : [...lines, `${VIP_NUMBER} icmp ${own} ${vip} 0 56`];
  job.signal.throwIfAborted();
  try {
    const connection = await job.hosts.connect(nodeId);
    const shell = connection.openShell();
    const call = {
      script: DIAL_SCRIPT,
      variables: { wait: String(DIAL_SECONDS), arp: vip, root: '' },
      payload: all.map((line) => `${line}\n`).join(''),
      timeoutMs: (Math.ceil(all.length / DIALS_AT_ONCE) * DIAL_SECONDS + 30) * 1_000,
    };
    const { stdout } = await shell.run(call).finally(shell.close);
    return stdout.toString('utf8');
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return '';
  }
}
