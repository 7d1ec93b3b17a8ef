import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeId, SecretId, SiteId } from '@/lib/core/ids';
import type { NodeFacts } from '@/lib/health/facts';
import { KUBELET_DROP_IN_PATH } from '@/lib/render/kubelet-drop-in';
import { MANAGED_HEADER } from '@/lib/render/managed-header';
import { REGISTRIES_PATH } from '@/lib/render/registries';
import { RKE2_CONFIG_PATH } from '@/lib/render/rke2-config';
import { applyPlanToFacts } from '@/lib/testing/apply-plan-to-facts';
import { makeFacts } from '@/lib/testing/make-facts';
import { toDefaultTopology } from '@/lib/topology/create-topology';
import type { HostInput } from '@/lib/topology/create-topology';
import { Topology } from '@/lib/topology/topology';
import { AGENTS_AT_ONCE, buildPlan } from './build-plan';
import { estimatePlanS } from './estimate';
import { hashFacts } from './hash-facts';
import { Plan } from './plan';
import type { PlanKind } from './plan';
import { refusePlan } from './refuse-plan';
import { printPlan } from './print-plan';

const siteId = SiteId.parse('site-test');
const serverToken = { id: SecretId.parse('sec-join'), version: 1 };

function makeTopology(roles: readonly ('server' | 'agent' | 'lb')[], more: object = {}): Topology {
  const counts = { server: 0, agent: 0, lb: 0 };
  const hosts = roles.map((role, index): HostInput => {
    counts[role] += 1;
    return { id: `n-${role}${counts[role]}`, role, internalIp: `192.0.2.${11 + index}` };
  });
  const base = toDefaultTopology('custom', hosts);
  const registration = roles.length > 1 ? { via: 'vip', vip: '192.0.2.10', loadBalancer: 'external' } : {};
  return Topology.parse({ ...base, registration, security: { serverToken }, ...more });
}

const bare = (topology: Topology) => topology.nodes.map((node) => makeFacts(topology, node));
const plan = (topology: Topology, facts: readonly NodeFacts[], kind: PlanKind = 'apply') =>
  buildPlan({ siteId, topology, revision: 1, kind, facts });
const nameIn = (topology: Topology) => (id: string) =>
  topology.nodes.find((node) => node.id === id)?.name ?? id;
const kindsOf = (result: Plan) => result.steps.map(({ kind }) => kind);

describe('golden plans', () => {
  const one = makeTopology(['server']);
  const installed = applyPlanToFacts(bare(one), plan(one, bare(one)).steps);
  const changed = Topology.parse({ ...one, security: { ...one.security, extraSans: ['k8s.example.net'] } });
  const ha = makeTopology(['server', 'server', 'server', 'agent', 'agent'], {
    rke2: { artifacts: { from: 'mirror', url: 'http://192.0.2.1:8080/rke2/' } },
  });
  it.each([
    ['one-server-first', one, bare(one), 'apply'],
    ['one-server-again', one, installed, 'apply'],
    ['one-server-new-san', changed, installed, 'apply'],
    ['one-server-uninstall', one, installed, 'uninstall'],
    ['three-servers-two-agents', ha, bare(ha), 'apply'],
  ] as const)('%s', async (name, topology, facts, kind) => {
    const text = printPlan(plan(topology, facts, kind), nameIn(topology));
    await expect(text).toMatchFileSnapshot(`./__golden__/${name}.txt`);
  });

  it('send from Siteplan what a mirror would give, and nothing to a host that has it', () => {
    const pushed = makeTopology(['server'], { rke2: { artifacts: { from: 'pushed' } } });
    const mirrored = makeTopology(['server'], { rke2: { artifacts: { from: 'mirror', url: 'http://x/' } } });
    const first = plan(pushed, bare(pushed));
    const expected = kindsOf(plan(mirrored, bare(mirrored))).map((kind) =>
      kind === 'artifact.fetch' ? 'artifact.push' : kind,
    );
    expect(kindsOf(first)).toEqual(expected);
    const sent = first.steps.filter(({ kind }) => kind === 'artifact.push');
    const { version } = pushed.rke2;
    const files = ['rke2.linux-amd64.tar.gz', 'core', 'cilium'].map((name) =>
      name.includes('.') ? name : `rke2-images-${name}.linux-amd64.tar.zst`,
    );
    expect(sent.map(({ params }) => params)).toEqual(files.map((file) => ({ version, arch: 'amd64', file })));
    expect(sent[0]?.effect).toBe('sends rke2.linux-amd64.tar.gz from Siteplan to s1 over SSH and checks it');
    expect(plan(pushed, applyPlanToFacts(bare(pushed), first.steps)).steps).toEqual([]);
  });

  it.each([
    ['v1.35.7+rke2r1', 'none', []],
    ['v1.35.7+rke2r1', 'ingress-nginx', []],
    ['v1.35.7+rke2r1', 'traefik', ['traefik']],
    ['v1.36.3+rke2r1', 'traefik', []],
    ['v1.36.3+rke2r1', 'ingress-nginx', ['ingress-nginx']],
  ])(
    'bring the images of %s with %s where nothing else is reached: %j',
    (version, ingressController, more) => {
      const topology = makeTopology(['server'], {
        rke2: { version, ingressController, artifacts: { from: 'pushed' } },
      });
      const placed = plan(topology, bare(topology)).steps.filter(({ kind }) => kind === 'images.place');
      const names = ['core', 'cilium', ...more];
      expect(placed.map(({ params }) => params['file'])).toEqual(
        names.map((name) => `rke2-images-${name}.linux-amd64.tar.zst`),
      );
    },
  );

  it('hold no secret value and no script', () => {
    const text = printPlan(plan(one, bare(one)), nameIn(one));
    expect(text).toContain('⟦secret sec-join v1⟧');
    expect(JSON.stringify(plan(one, bare(one)))).not.toContain('set -eu');
  });
});

/** Roles with at least one server, a run's length within the limits. */
const roles = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 14 }))
  .map(([servers, agents]) => [
    ...Array<'server'>(servers).fill('server'),
    ...Array<'agent'>(agents).fill('agent'),
  ]);

describe('any plan', { timeout: 60_000 }, () => {
  it('is a topological order with unique ids, and the same for the same input', () => {
    fc.assert(
      fc.property(roles, fc.infiniteStream(fc.nat()), (list, random) => {
        const topology = makeTopology(list);
        const facts = bare(topology);
        const result = plan(topology, facts);
        expect(Plan.parse(result)).toEqual(result);
        const seen = new Set<string>();
        for (const step of result.steps) {
          expect(step.dependsOn.every((id) => seen.has(id))).toBe(true);
          expect(seen.has(step.id)).toBe(false);
          seen.add(step.id);
        }
        const shuffled = facts.map((node) => ({ node, at: random.next().value })).sort((a, b) => a.at - b.at);
        expect(plan(topology, structuredClone(shuffled.map(({ node }) => node)))).toEqual(result);
      }),
      { numRuns: 10 },
    );
  });

  it('brings the facts to where a second plan is empty, from wherever an interrupted one stopped', () => {
    fc.assert(
      fc.property(roles, fc.double({ min: 0, max: 1, noNaN: true }), (list, share) => {
        const topology = makeTopology(list);
        const first = plan(topology, bare(topology));
        const half = applyPlanToFacts(
          bare(topology),
          first.steps.slice(0, Math.floor(first.steps.length * share)),
        );
        const second = plan(topology, half);
        const end = applyPlanToFacts(half, second.steps);
        expect(plan(topology, end).steps).toEqual([]);
        expect(plan(topology, applyPlanToFacts(bare(topology), first.steps)).steps).toEqual([]);
      }),
      { numRuns: 12 },
    );
  });

  it('starts each server only when the one before is Ready, and agents after the last, ten at a time', () => {
    const topology = makeTopology([
      ...Array<'server'>(3).fill('server'),
      ...Array<'agent'>(23).fill('agent'),
    ]);
    const { steps } = plan(topology, bare(topology));
    const before = new Map<string, Set<string>>();
    for (const step of steps) {
      before.set(step.id, new Set(step.dependsOn.flatMap((id) => [id, ...(before.get(id) ?? [])])));
    }
    const find = (nodeId: string, kind: string) =>
      steps.find((step) => step.nodeId === nodeId && step.kind === kind)?.id ?? '';
    const waits = (nodeId: string, other: string) =>
      before.get(find(nodeId, 'service.start'))?.has(find(other, 'rke2.ready'));
    expect([
      waits('n-server2', 'n-server1'),
      waits('n-server3', 'n-server2'),
      waits('n-agent1', 'n-server3'),
    ]).toEqual([true, true, true]);
    expect(waits('n-agent2', 'n-agent1')).toBe(false);
    expect(waits(`n-agent${AGENTS_AT_ONCE + 1}`, 'n-agent1')).toBe(true);
    expect(before.get(find('n-server2', 'rke2.install'))?.has(find('n-server1', 'rke2.ready'))).toBe(false);
    expect(steps.find(({ id }) => id === find('n-server2', 'rke2.ready'))?.params['voter']).toBe(true);
  });

  it('estimates the longest chain, not the sum', () => {
    const topology = makeTopology(['server', 'agent', 'agent', 'agent']);
    const result = plan(topology, bare(topology));
    const sum = result.steps.reduce((total, step) => total + step.estimateS, 0);
    expect(estimatePlanS(result)).toBeLessThan(sum * 0.75);
    expect(estimatePlanS({ ...result, steps: [] })).toBe(0);
  });
});

describe('changes of a running cluster', () => {
  const topology = makeTopology(['server', 'server', 'server']);
  const running = applyPlanToFacts(bare(topology), plan(topology, bare(topology)).steps);

  it('touch one server at a time, file first, and say what quorum is left', () => {
    const changed = Topology.parse({
      ...topology,
      security: { serverToken, extraSans: ['k8s.example.net'] },
    });
    const { steps } = plan(changed, running);
    expect(kindsOf(plan(changed, running))).toEqual([
      ...Array(3).fill(['file.put', 'service.restart', 'rke2.ready']).flat(),
      'cluster.verify',
    ]);
    expect(steps[3]?.dependsOn).toEqual([steps[2]?.id]);
    expect(steps[1]?.quorum).toBe('2 of 3');
    expect(steps[1]?.effect).toContain('2 of 3 voting servers');
    expect(steps[0]?.params['dropsStamps']).toEqual(['rke2-server.service', 'rke2-ready']);
  });

  it('upgrade the binary only after the server before is Ready again', () => {
    const newer = Topology.parse({ ...topology, rke2: { version: 'v1.36.3+rke2r1' } });
    const { steps } = plan(newer, running);
    const install = steps.filter(({ kind }) => kind === 'rke2.install');
    const ready = steps.filter(({ kind }) => kind === 'rke2.ready');
    expect(install[1]?.dependsOn).toContain(ready[0]?.id);
    expect(install[1]?.effect).toContain('replaces RKE2 v1.35.7+rke2r1 by v1.36.3+rke2r1');
  });

  it('set a mode right without a content diff, and restart for it when RKE2 reads the file', () => {
    const facts = running.map((node, index) => {
      const file = node.files[RKE2_CONFIG_PATH];
      return index === 0 && file
        ? { ...node, files: { ...node.files, [RKE2_CONFIG_PATH]: { ...file, mode: '0644' } } }
        : node;
    });
    const { steps } = plan(topology, facts);
    expect(kindsOf(plan(topology, facts))[0]).toBe('file.put');
    expect(steps[0]?.diff).toBe('');
    expect(steps[0]?.effect).toContain('sets mode and owner');
  });

  it('start what somebody stopped, and wait for it', () => {
    const stopped = running.map((node, index) =>
      index === 1
        ? {
            ...node,
            units: {
              ...node.units,
              'rke2-server.service': { load: 'loaded', active: 'inactive', enabled: 'enabled' },
            },
          }
        : node,
    );
    expect(kindsOf(plan(topology, stopped))).toEqual(['service.start', 'rke2.ready', 'cluster.verify']);
  });

  it('remove our own file that is no longer asked for, and leave a foreign one alone', () => {
    const file = (content: string) => ({ mode: '0600', owner: 'root', group: 'root', content });
    const facts = running.map((node) => ({
      ...node,
      files: {
        ...node.files,
        [REGISTRIES_PATH]: file('mirrors: {}\n'),
        [KUBELET_DROP_IN_PATH]: file(`${MANAGED_HEADER}kind: x\n`),
      },
    }));
    const removed = plan(topology, facts).steps.filter(({ kind }) => kind === 'file.remove');
    expect(removed.map(({ params }) => params['path'])).toEqual(Array(3).fill(KUBELET_DROP_IN_PATH));
  });

  it('uninstall from the last server to the first, then our files', () => {
    const result = plan(topology, running, 'uninstall');
    const uninstalls = result.steps.filter(({ kind }) => kind === 'rke2.uninstall');
    expect(uninstalls.map(({ nodeId }) => nodeId)).toEqual(['n-server3', 'n-server2', 'n-server1']);
    expect(uninstalls.map(({ quorum }) => quorum)).toEqual(['2 of 3', '1 of 2', '0 of 1']);
    const after = applyPlanToFacts(running, result.steps);
    expect(plan(topology, after, 'uninstall').steps).toEqual([]);
  });
});

describe('the hash of facts', () => {
  const topology = makeTopology(['server']);
  const [facts] = bare(topology);
  if (!facts) throw new Error('one node');
  const base = hashFacts([facts]);

  it.each([
    { clockOffsetMs: 9_000 },
    { memoryMiB: 1 },
    { dataFreeGiB: 1 },
    { bootId: 'other' },
    { listening: [{ protocol: 'tcp' as const, address: '0.0.0.0', port: 6443, process: 'x' }] },
  ])('does not see %j', (more) => expect(hashFacts([{ ...facts, ...more }])).toBe(base));

  it.each([
    { machineId: 'other' },
    { arch: 'arm64' },
    { rke2Version: 'v1.35.7+rke2r1' },
    { hasEtcdData: true },
    { stamps: { sysctl: 'x' } },
    { files: { ...facts.files, '/x': null } },
    { units: { 'rke2-server.service': { load: 'loaded', active: 'active', enabled: 'enabled' } } },
  ])('sees %j', (more) => expect(hashFacts([{ ...facts, ...more }])).not.toBe(base));
});

it('the hash of facts tells a server that is up from one that only tries to be', () => {
  const topology = makeTopology(['server']);
  const hash = (active: string) =>
    hashFacts(
      bare(topology).map((node) => ({
        ...node,
        units: { 'rke2-server.service': { load: 'loaded', active, enabled: 'enabled' } },
      })),
    );
  expect(hash('activating')).not.toBe(hash('active'));
});

describe('refusals', () => {
  const topology = makeTopology(['server', 'agent']);
  const facts = bare(topology);
  const withServer = (more: Partial<NodeFacts>) =>
    facts.map((node, index) => (index === 0 ? { ...node, ...more } : node));
  const codes = (found: readonly NodeFacts[], wanted = topology, kind: PlanKind = 'apply') =>
    refusePlan(wanted, found, kind).map(({ code, nodeId }) => `${code} ${nodeId ?? '-'}`);

  it.each([
    ['facts that are missing', facts.slice(1), 'facts-missing n-server1'],
    ['another architecture', withServer({ arch: 'arm64' }), 'wrong-architecture n-server1'],
    ['no systemd', withServer({ hasSystemd: false }), 'no-systemd n-server1'],
    ['a newer RKE2', withServer({ rke2Version: 'v1.36.0+rke2r1' }), 'downgrade n-server1'],
    [
      'a newer build of the same version',
      withServer({ rke2Version: 'v1.35.7+rke2r2' }),
      'downgrade n-server1',
    ],
    [
      'a release where a candidate is wanted',
      withServer({ rke2Version: 'v1.35.8-rc1+rke2r1' }),
      'downgrade n-server1',
    ],
    ['an RKE2 two minors older', withServer({ rke2Version: 'v1.33.1+rke2r1' }), 'minor-skipped n-server1'],
    ['a version that is none', withServer({ rke2Version: 'dev' }), 'unknown-version n-server1'],
    ['data of another cluster', withServer({ hasEtcdData: true }), 'foreign-data n-server1'],
    [
      'the other role',
      withServer({
        units: { 'rke2-agent.service': { load: 'loaded', active: 'active', enabled: 'enabled' } },
      }),
      'other-role n-server1',
    ],
  ])('name %s', (_what, found, expected) => {
    expect(codes(found)).toEqual([expected]);
    expect(() => plan(topology, found)).toThrow(/s1/);
  });

  it('name a topology without a server', () => {
    const agent = makeTopology(['agent']);
    expect(
      codes(
        facts.map((node) => ({ ...node, nodeId: NodeId.parse('n-agent1') })),
        agent,
      ),
    ).toEqual(['no-server -']);
  });

  it('keep an uninstall away from a cluster that is not ours, and from nothing else', () => {
    expect(codes(withServer({ hasEtcdData: true }), topology, 'uninstall')).toEqual([
      'foreign-data n-server1',
    ]);
    const agent = { 'rke2-agent.service': { load: 'loaded', active: 'active', enabled: 'enabled' } };
    const lost = { 'rke2-server.service': { load: 'not-found', active: 'active', enabled: '' } };
    for (const foreign of [{ rke2Version: 'v1.35.7+rke2r1' }, { units: agent }, { units: lost }]) {
      expect(codes(withServer(foreign), topology, 'uninstall')).toEqual(['foreign-data n-server1']);
      expect(() => plan(topology, withServer(foreign), 'uninstall')).toThrow(/Siteplan did not install/);
      const ours = withServer({ ...foreign, stamps: { 'rke2-install': 'unfinished' } });
      expect(codes(ours, topology, 'uninstall')).toEqual([]);
    }
    const gone = { 'rke2-agent.service': { load: 'not-found', active: 'inactive', enabled: '' } };
    expect(codes(withServer({ arch: 'riscv64', units: gone }), topology, 'uninstall')).toEqual([]);
    // An uninstall leaves the RKE2 of a load balancer alone.
    const balanced = makeTopology(['server', 'lb']);
    const found = bare(balanced).map((node) => ({
      ...node,
      ...(node.nodeId === 'n-lb1' && { units: agent }),
    }));
    expect(codes(found, balanced, 'uninstall')).toEqual([]);
  });

  it('let an installation that was cut go on', () => {
    expect(codes(withServer({ hasEtcdData: true, stamps: { 'rke2-install': 'unfinished' } }))).toEqual([]);
  });
});
