import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { toDefaultTopology } from '@/lib/topology/create-topology';
import type { Role } from '@/lib/topology/topology';
import type { Sample } from './sample';
import { SiteNowBody, VerdictState } from './site-now';
import { toSiteVerdict } from './site-verdict';
import { toSiteNow } from './to-site-now';
import { toVerdict } from './verdict';
import type { Verdict } from './verdict';
import { VERDICTS } from './verdict-states';

const NOW = 1_800_000_000_000;
const intervalS = 5;
const options = { intervalS };

const good: Sample = {
  receivedAtMs: NOW - 1_000,
  intervalS,
  bootId: 'b',
  uptimeS: 1_000,
  cpuPercent: 12,
  load1: 0.2,
  memoryTotalMiB: 8_000,
  memoryPercent: 40,
  diskPercent: 30,
  diskFreeGiB: 60,
  writeLatencyMs: 1.5,
  rxBytesPerS: 10,
  txBytesPerS: 10,
  clockOffsetMs: 20,
  units: { 'rke2-server.service': 'active', 'rke2-agent.service': 'active' },
  listening: [6443, 9345],
  apiReadyCode: 200,
  etcdHealthy: true,
  etcdHasLeader: true,
  etcdIsLeader: true,
  nodeReady: 'True',
  certificateEndS: NOW / 1_000 + 300 * 86_400,
  slowAgeS: 10,
};

describe('a node', () => {
  it.each<[string, Role, Partial<Sample>, VerdictState, string]>([
    ['a server with everything', 'server', {}, 'healthy', ''],
    [
      'an agent without an API server',
      'agent',
      { apiReadyCode: null, etcdHealthy: null, etcdHasLeader: null },
      'healthy',
      '',
    ],
    ['a server that asks for credentials', 'server', { apiReadyCode: 401 }, 'healthy', ''],
    [
      'a stopped unit',
      'server',
      { units: { 'rke2-server.service': 'inactive' } },
      'down',
      'rke2-server is inactive',
    ],
    ['a failed unit', 'agent', { units: { 'rke2-agent.service': 'failed' } }, 'down', 'rke2-agent is failed'],
    [
      'a starting unit',
      'server',
      { units: { 'rke2-server.service': 'activating' } },
      'degraded',
      'rke2-server is starting',
    ],
    ['a unit that nobody told of', 'server', { units: {} }, 'stale', 'not known'],
    ['a dead API server', 'server', { apiReadyCode: 0 }, 'down', 'API server does not answer'],
    ['an API server that is not ready', 'server', { apiReadyCode: 500 }, 'down', 'status 500'],
    ['an API server that was not asked', 'server', { apiReadyCode: null }, 'stale', 'not asked'],
    ['no leader', 'server', { etcdHasLeader: false }, 'down', 'no leader'],
    ['a sick etcd', 'server', { etcdHealthy: false }, 'down', 'etcd is not healthy'],
    ['a node that is not ready', 'agent', { nodeReady: 'False' }, 'down', 'not ready'],
    ['a lost kubelet', 'agent', { nodeReady: 'Unknown' }, 'down', 'kubelet'],
    ['an API server that does not say', 'agent', { nodeReady: 'none' }, 'degraded', 'did not say'],
    ['a full disk', 'agent', { diskPercent: 91 }, 'degraded', 'disk 91 % full'],
    ['full memory', 'agent', { memoryPercent: 97 }, 'degraded', 'memory 97 %'],
    ['a slow disk', 'agent', { writeLatencyMs: 250 }, 'degraded', '250 ms per write'],
    ['a clock that is behind', 'agent', { clockOffsetMs: -45_000 }, 'degraded', 'clock 45.0 s off'],
    [
      'a certificate of 12 days',
      'agent',
      { certificateEndS: NOW / 1_000 + 12 * 86_400 },
      'degraded',
      'ends in 12 d',
    ],
    ['an expired certificate', 'agent', { certificateEndS: NOW / 1_000 - 1 }, 'down', 'expired'],
    ['a first line without the slow part', 'agent', { slowAgeS: null }, 'stale', 'first reading'],
    ['a slow part that hangs', 'agent', { slowAgeS: 200 }, 'stale', 'no word of the cluster for 3 m 20 s'],
    ['an old sample', 'agent', { receivedAtMs: NOW - 100_000 }, 'stale', 'no data for 1 m 40 s'],
    ['a sample from the future', 'agent', { receivedAtMs: NOW + 100_000 }, 'stale', 'no data'],
  ])('%s', (_what, role, more, state, words) => {
    const verdict = toVerdict({ role }, { ...good, ...more }, NOW, options);
    expect(verdict.state).toBe(state);
    expect(verdict.reasons.join('; ')).toContain(words);
    expect(verdict.reasons.length === 0).toBe(state === 'healthy');
  });

  it('tells the worst first, all of it, and what a run does instead', () => {
    const sick = { ...good, diskPercent: 99, apiReadyCode: 0 };
    expect(toVerdict({ role: 'server' }, sick, NOW, options).reasons).toEqual([
      'the API server does not answer',
      'disk 99 % full',
    ]);
    const during = toVerdict({ role: 'server' }, sick, NOW, { intervalS, provisioning: 'step 14 of 52' });
    expect(during).toEqual({ state: 'provisioning', reasons: ['step 14 of 52'] });
  });

  it('says why it has no data', () => {
    expect(
      toVerdict({ role: 'server' }, null, NOW, { intervalS, failure: 's1 refused the connection' }),
    ).toEqual({
      state: 'stale',
      reasons: ['no data yet', 's1 refused the connection'],
    });
  });

  it('is never healthy from a sample older than two intervals', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 10_000_000 }),
        fc.constantFrom<Role>('server', 'agent'),
        (seconds, beyondMs, role) => {
          const sample = { ...good, intervalS: seconds, receivedAtMs: NOW - 2_000 * seconds - beyondMs };
          expect(toVerdict({ role }, sample, NOW, { intervalS: seconds }).state).toBe('stale');
        },
      ),
    );
  });

  it('gets no better when any one reading goes missing', () => {
    const keys = ['units', 'apiReadyCode', 'nodeReady', 'slowAgeS'] as const;
    for (const key of keys) {
      const poorer = { ...good, [key]: key === 'units' ? {} : null };
      expect(toVerdict({ role: 'server' }, poorer, NOW, options).state, key).not.toBe('healthy');
    }
  });
});

const state = fc.constantFrom<VerdictState>(...VerdictState.options);
const nodes = fc.array(fc.record({ role: fc.constantFrom<Role>('server', 'agent', 'lb'), state }), {
  minLength: 1,
  maxLength: 9,
});
const toNodes = (list: readonly { role: Role; state: VerdictState }[]) =>
  list.map(({ role, state: of }, index) => ({
    name: `n${index}`,
    role,
    verdict: { state: of, reasons: of === 'healthy' ? [] : ['x'] } satisfies Verdict,
  }));

describe('a site', () => {
  it.each<[string, VerdictState[], VerdictState]>([
    ['all well', ['healthy', 'healthy', 'healthy'], 'healthy'],
    ['one of three servers down', ['down', 'healthy', 'healthy'], 'degraded'],
    ['two of three servers down', ['down', 'down', 'healthy'], 'down'],
    ['one down, one silent of three', ['down', 'stale', 'healthy'], 'stale'],
    ['one of two servers down', ['down', 'healthy'], 'down'],
    ['the only server silent', ['stale'], 'stale'],
    ['a run on one', ['healthy', 'provisioning', 'healthy'], 'provisioning'],
  ])('%s', (_what, states, expected) => {
    const verdict = toSiteVerdict(toNodes(states.map((of) => ({ role: 'server', state: of }))));
    expect(verdict.state).toBe(expected);
  });

  it('is not better for a worse node, and not healthy with an unhealthy one', () => {
    fc.assert(
      fc.property(nodes, fc.nat(), state, (list, at, other) => {
        const index = at % list.length;
        const before = list[index];
        if (!before) throw new Error('index is within');
        const rankOf = (of: VerdictState) => VERDICTS[of].rank;
        const changed = list.map((node, place) => (place === index ? { ...node, state: other } : node));
        const [better, worse] = rankOf(before.state) <= rankOf(other) ? [list, changed] : [changed, list];
        const result = [toSiteVerdict(toNodes(better)).state, toSiteVerdict(toNodes(worse)).state] as const;
        expect(rankOf(result[0])).toBeLessThanOrEqual(rankOf(result[1]));
        if (list.some(({ state: of }) => of !== 'healthy'))
          expect(toSiteVerdict(toNodes(list)).state).not.toBe('healthy');
      }),
      { numRuns: 2_000 },
    );
  });

  it('names the worst nodes first and counts the rest', () => {
    const list = [...Array<VerdictState>(7).fill('degraded'), 'down' as const].map((of) => ({
      role: 'agent' as const,
      state: of,
    }));
    const { reasons } = toSiteVerdict(toNodes(list));
    expect(reasons[0]).toBe('n7: x');
    expect(reasons.at(-1)).toBe('and 3 more nodes');
  });
});

describe('what is stored of a site', () => {
  const topology = toDefaultTopology('custom', [{ id: 'n-1', name: 's1', internalIp: '192.0.2.11' }]);
  const nodeId = NodeId.parse('n-1');
  const read = (sample: Sample | null, nowMs = NOW) =>
    toSiteNow({
      topology,
      readings: new Map([[nodeId, { sample, failure: null }]]),
      nowMs,
      startedAtMs: NOW - 60_000,
      intervalS,
    });

  it('is a valid body with gauges and badges', () => {
    const body = SiteNowBody.parse(read({ ...good, certificateEndS: NOW / 1_000 + 100 * 86_400 }));
    expect(body.nodes[0]).toMatchObject({
      state: 'healthy',
      cpuPercent: 12,
      badges: ['etcd leader', 'certificate due in 100 d'],
    });
  });

  it('shows no gauge of a sample that is too old, and says since when', () => {
    const body = read(good, NOW + 60_000);
    expect(body).toMatchObject({ state: 'stale', nodes: [{ state: 'stale', cpuPercent: null, badges: [] }] });
    expect(body.nodes[0]?.reasons[0]).toBe('no data for 1 m 1 s');
  });

  it('says how long a host has not answered', () => {
    expect(read(null).nodes[0]).toMatchObject({
      sampledAt: null,
      reasons: ['no data yet', 'no answer for 1 m'],
    });
  });
});

describe('verdicts', () => {
  it('each have a shape, an ink and a rank of their own', () => {
    const rows = Object.values(VERDICTS);
    for (const key of ['shape', 'ink', 'rank', 'word'] as const)
      expect(new Set(rows.map((row) => row[key])).size).toBe(5);
  });
});
