import { toDurationText } from '@/lib/core/duration';
import type { Role } from '@/lib/topology/topology';
import type { Sample } from './sample';
import type { VerdictState } from './site-now';
import { worstVerdict } from './verdict-states';

export interface Verdict {
  readonly state: VerdictState;
  /** What is wrong, worst first, each a short sentence; empty only when healthy. */
  readonly reasons: readonly string[];
}

export interface VerdictOptions {
  readonly intervalS: number;
  /** Set while a run works on the node: "step 14 of 52". */
  readonly provisioning?: string | undefined;
  /** Why no line comes, in words, where that is known: "s1 refused the connection". */
  readonly failure?: string | undefined;
}

/** A node is stale after this many missed intervals. */
export const MISSED_INTERVALS = 2;
const DAY_S = 86_400;
/** Warn below 30 days: renewal takes a restart (RKE2 docs security/certificates). */
const CERTIFICATE_WARN_DAYS = 30;
/** Slower readings come each 6 intervals; older than this many seconds beyond three of them, they say nothing. */
const SLOW_EVERY = 6;

/**
 * What health says of one node. Never green from memory: healthy needs a sample that is at most two intervals old and
 * says of everything that this role must run that it runs. `nowMs` is the clock that `receivedAtMs` was read from.
 */
export function toVerdict(
  node: { readonly role: Role },
  sample: Sample | null,
  nowMs: number,
  options: VerdictOptions,
): Verdict {
  if (options.provisioning !== undefined) return { state: 'provisioning', reasons: [options.provisioning] };
  const cause = options.failure === undefined ? [] : [options.failure];
  if (!sample) return { state: 'stale', reasons: ['no data yet', ...cause] };
  const ageMs = nowMs - sample.receivedAtMs;
  // A sample from the future says as little as an old one: the clock was set back.
  if (Math.abs(ageMs) > MISSED_INTERVALS * options.intervalS * 1_000) {
    return { state: 'stale', reasons: [`no data for ${toDurationText(Math.abs(ageMs))}`, ...cause] };
  }
  const findings = [
    ...judgeUnits(node.role, sample),
    ...judgeCluster(node.role, sample, options),
    ...judgeHost(sample, nowMs),
  ];
  if (findings.length === 0) return { state: 'healthy', reasons: [] };
  const state = worstVerdict(findings.map(([found]) => found));
  const order: readonly VerdictState[] = ['down', 'stale', 'degraded'];
  return {
    state,
    reasons: order.flatMap((rank) => findings.filter(([found]) => found === rank).map(([, why]) => why)),
  };
}

type Reason = readonly ['down' | 'stale' | 'degraded', string];

const UNITS_OF: Readonly<Record<Role, readonly string[]>> = {
  server: ['rke2-server.service'],
  agent: ['rke2-agent.service'],
  lb: ['nginx.service', 'keepalived.service'],
};

function judgeUnits(role: Role, sample: Sample): Reason[] {
  return UNITS_OF[role].flatMap((unit): Reason[] => {
    const state = sample.units[unit];
    const name = unit.replace('.service', '');
    if (state === 'active') return [];
    if (state === undefined || state === '') return [['stale', `the state of ${name} is not known`]];
    if (state === 'activating' || state === 'reloading') return [['degraded', `${name} is starting`]];
    return [['down', `${name} is ${state}`]];
  });
}

function judgeCluster(role: Role, sample: Sample, { intervalS }: VerdictOptions): Reason[] {
  if (role === 'lb') return [];
  if (sample.slowAgeS === null) return [['stale', 'the first reading of the cluster is not there yet']];
  if (sample.slowAgeS > 3 * SLOW_EVERY * intervalS) {
    return [['stale', `no word of the cluster for ${toDurationText(sample.slowAgeS * 1_000)}`]];
  }
  return [...judgeNode(sample), ...(role === 'server' ? judgeServer(sample) : [])];
}

function judgeNode({ nodeReady }: Sample): Reason[] {
  switch (nodeReady) {
    case 'True':
      return [];
    case 'False':
      return [['down', 'Kubernetes says that the node is not ready']];
    case 'Unknown':
      return [['down', 'Kubernetes has lost the node’s kubelet']];
    default:
      return [['degraded', 'Kubernetes did not say whether the node is ready']];
  }
}

/** 401 is alive: RKE2 switches anonymous access off (rke2#7374). */
function judgeServer({ apiReadyCode, etcdHealthy, etcdHasLeader }: Sample): Reason[] {
  const reasons: Reason[] = [];
  if (apiReadyCode === null) reasons.push(['stale', 'the API server was not asked']);
  else if (apiReadyCode === 0) reasons.push(['down', 'the API server does not answer']);
  else if (apiReadyCode !== 200 && apiReadyCode !== 401) {
    reasons.push(['down', `the API server is not ready (status ${apiReadyCode})`]);
  }
  if (etcdHasLeader === false) reasons.push(['down', 'etcd has no leader']);
  else if (etcdHealthy === false) reasons.push(['down', 'etcd is not healthy']);
  return reasons;
}

function judgeHost(sample: Sample, nowMs: number): Reason[] {
  const reasons: Reason[] = [];
  const { diskPercent, memoryPercent, clockOffsetMs, writeLatencyMs, certificateEndS } = sample;
  if (diskPercent !== null && diskPercent >= 85)
    reasons.push(['degraded', `disk ${Math.round(diskPercent)} % full`]);
  if (memoryPercent !== null && memoryPercent >= 95) {
    reasons.push(['degraded', `memory ${Math.round(memoryPercent)} % used`]);
  }
  if (clockOffsetMs !== null && Math.abs(clockOffsetMs) > 2_000) {
    reasons.push(['degraded', `clock ${(Math.abs(clockOffsetMs) / 1_000).toFixed(1)} s off`]);
  }
  if (writeLatencyMs !== null && writeLatencyMs > 100) {
    reasons.push(['degraded', `disk takes ${Math.round(writeLatencyMs)} ms per write`]);
  }
  if (certificateEndS !== null) {
    const leftS = certificateEndS - nowMs / 1_000;
    if (leftS <= 0) reasons.push(['down', 'a certificate has expired; restart RKE2 to renew it']);
    else if (leftS < CERTIFICATE_WARN_DAYS * DAY_S) {
      reasons.push([
        'degraded',
        `a certificate ends in ${toDurationText(leftS * 1_000)}; restart RKE2 to renew it`,
      ]);
    }
  }
  return reasons;
}
