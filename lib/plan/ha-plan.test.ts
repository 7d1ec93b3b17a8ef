import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { KEEPALIVED_PATH, NGINX_STREAM_PATH } from '@/lib/render/load-balancer';
import { RKE2_CONFIG_PATH } from '@/lib/render/rke2-config';
import { toDropInPath } from '@/lib/render/service-drop-ins';
import { applyPlanToFacts } from '@/lib/testing/apply-plan-to-facts';
import { exampleLayout } from '@/lib/testing/example-layout';
import {
  bare,
  factsWith,
  layout,
  plan,
  running,
  withFacts,
  withServers,
  withUnit,
} from '@/lib/testing/example-site';
import { loadBalancers } from '@/lib/topology/find-node';
import { Topology } from '@/lib/topology/topology';
import { NGINX_LINK_STAMP } from '@/lib/steps/lb-put';
import { NGINX_LINK_PATH } from './load-balancer-work';
import type { Plan, PlanStep } from './plan';
import { printPlan } from './print-plan';

const nameIn = (topology: Topology) => (id: string) =>
  topology.nodes.find((node) => node.id === id)?.name ?? id;
const withSan = Topology.parse({
  ...layout,
  security: { ...layout.security, extraSans: ['k8s.example.net'] },
});

/** `node kind` of each step, in order. */
function toLines({ steps }: Plan, topology: Topology = layout): string[] {
  return steps.map(({ nodeId, kind }) => `${nameIn(topology)(nodeId)} ${kind}`);
}

/** Everything that must be over before each step, by id. */
function toBefore({ steps }: Plan): Map<string, Set<string>> {
  const before = new Map<string, Set<string>>();
  for (const { id, dependsOn } of steps) {
    before.set(id, new Set(dependsOn.flatMap((each) => [each, ...(before.get(each) ?? [])])));
  }
  return before;
}

/** Whether a step comes only after another one, both as `node kind`. */
function waitsIn(result: Plan, topology: Topology = layout): (line: string, other: string) => boolean {
  const lines = toLines(result, topology);
  const before = toBefore(result);
  const idOf = (line: string) => {
    const found = result.steps[lines.indexOf(line)];
    if (!found) throw new Error(`no step ${line} in ${lines.join(', ')}`);
    return found.id;
  };
  return (line, other) => before.get(idOf(line))?.has(idOf(other)) ?? false;
}

describe('plans of the example layout', () => {
  const five = withServers(layout, 'last', 's4', 's5');
  it.each([
    ['example-layout-first', layout, bare(layout), 'apply'],
    ['example-layout-again', layout, running, 'apply'],
    ['example-layout-new-san', withSan, running, 'apply'],
    ['example-layout-two-more-servers', five, factsWith(five, running), 'apply'],
    ['example-layout-uninstall', layout, running, 'uninstall'],
  ] as const)('%s', async (name, topology, facts, kind) => {
    const text = printPlan(plan(topology, facts, kind), nameIn(topology));
    await expect(text).toMatchFileSnapshot(`./__golden__/${name}.txt`);
  });
});

describe('the order of a creation', () => {
  const first = plan(layout, bare(layout));
  const waits = waitsIn(first);

  it('is load balancers one at a time, then servers one at a time, then agents, then a look at the whole', () => {
    const chain = [
      'lb1 service.start',
      'lb1 lb.ready',
      'lb2 service.start',
      'lb2 lb.ready',
      's1 service.start',
      's1 rke2.ready',
      's2 service.start',
      's2 rke2.ready',
      's3 service.start',
      's3 rke2.ready',
      'a1 service.start',
      'a1 rke2.ready',
      's1 cluster.verify',
    ];
    for (const [index, line] of chain.entries()) {
      if (index > 0) expect(waits(line, chain[index - 1] ?? ''), line).toBe(true);
    }
    for (const agent of ['a2', 'a3']) {
      expect(waits(`${agent} service.start`, 's3 rke2.ready')).toBe(true);
      expect(waits(`${agent} service.start`, 'a1 service.start')).toBe(false);
      expect(waits('s1 cluster.verify', `${agent} rke2.ready`)).toBe(true);
    }
  });

  it('lets what disturbs nobody begin at once: downloads, and programs of load balancers', () => {
    expect(waits('s3 artifact.fetch', 'lb1 lb.ready')).toBe(false);
    expect(waits('s3 rke2.install', 's1 rke2.ready')).toBe(false);
    expect(waits('lb2 lb.packages', 'lb1 lb.ready')).toBe(false);
  });

  it('writes what pins the CA of the cluster once the first server runs, right before the start', () => {
    const configOf = (name: string) =>
      first.steps.findIndex(
        ({ nodeId, params }) => nameIn(layout)(nodeId) === name && params['path'] === RKE2_CONFIG_PATH,
      );
    const before = toBefore(first);
    const ready = first.steps[toLines(first).indexOf('s1 rke2.ready')]?.id ?? '';
    for (const name of ['s2', 's3', 'a1']) {
      const step = first.steps[configOf(name)];
      expect(before.get(step?.id ?? '')?.has(ready), name).toBe(true);
      expect(toLines(first)[configOf(name) + 1]).toBe(`${name} service.start`);
    }
    expect(toLines(first)[configOf('s1') + 1]).not.toBe('s1 service.start');
    const sysctls = first.steps.filter(({ kind }) => kind === 'sysctl.apply');
    expect(sysctls.filter(({ id }) => before.get(id)?.has(ready))).toEqual([]);
  });

  it('has every server wait for being a voting member', () => {
    const ready = first.steps.filter(
      ({ kind, params }) => kind === 'rke2.ready' && params['role'] === 'server',
    );
    expect(ready.map(({ params }) => params['voter'])).toEqual([true, true, true]);
  });
});

describe('a change of load balancers', () => {
  it('is rolling: the second waits until the first serves again, and open connections stay', () => {
    const four = withServers(layout, 'last', 's4');
    const result = plan(four, factsWith(four, running));
    const lines = toLines(result, four).filter((line) => line.startsWith('lb'));
    expect(lines).toEqual(
      ['lb1', 'lb2'].flatMap((name) => [`${name} lb.put`, `${name} service.reload`, `${name} lb.ready`]),
    );
    const waits = waitsIn(result, four);
    expect(waits('lb2 lb.put', 'lb1 lb.ready')).toBe(true);
    expect(waits('s1 file.put', 'lb2 lb.ready')).toBe(true);
    expect(waits('s4 service.start', 's3 rke2.ready')).toBe(true);
  });

  it('reaches a new one last, wherever it stands in the drawing: the others know it before it holds the virtual IP', () => {
    const [one] = loadBalancers(layout);
    const added = { ...one, id: NodeId.parse('n-lb0'), name: 'lb0', internalIp: '192.168.10.7' };
    const more = Topology.parse({ ...layout, nodes: [added, ...layout.nodes] });
    const result = plan(more, factsWith(more, running));
    const waits = waitsIn(result, more);
    expect(waits('lb0 service.start', 'lb1 service.reload')).toBe(true);
    expect(waits('lb0 service.start', 'lb2 lb.ready')).toBe(true);
    expect(waits('lb1 service.reload', 'lb0 service.start')).toBe(false);
  });

  it('starts what is off, restarts what is not enabled, and installs what is gone', () => {
    const off = withFacts(running, 'lb1', withUnit('nginx.service', 'inactive'));
    expect(toLines(plan(layout, off))).toEqual(['lb1 service.start', 'lb1 lb.ready', 's1 cluster.verify']);
    const lax = withFacts(running, 'lb2', (node) => ({
      units: {
        ...node.units,
        'keepalived.service': { load: 'loaded', active: 'active', enabled: 'disabled' },
      },
    }));
    expect(toLines(plan(layout, lax))).toEqual(['lb2 service.restart', 'lb2 lb.ready', 's1 cluster.verify']);
    const removed = withFacts(running, 'lb2', ({ units }) => ({
      units: Object.fromEntries(Object.entries(units).filter(([unit]) => unit !== 'nginx.service')),
    }));
    expect(toLines(plan(layout, removed))).toEqual([
      'lb2 lb.packages',
      'lb2 service.start',
      'lb2 lb.ready',
      's1 cluster.verify',
    ]);
  });

  it('takes keepalived away where the virtual IP goes, and all of it where somebody else balances', () => {
    const byName = { via: 'dns', dnsName: 'lb.example.com', loadBalancer: 'managed' } as const;
    const noVip = exampleLayout({ registration: byName });
    const lines = toLines(plan(noVip, running)).filter((line) => line.startsWith('lb1'));
    expect(lines).toEqual([
      'lb1 service.stop',
      'lb1 file.remove',
      'lb1 file.remove',
      'lb1 lb.packages',
      'lb1 lb.ready',
    ]);
    const external = exampleLayout({ registration: { ...layout.registration, loadBalancer: 'external' } });
    const released = plan(external, running);
    const units = released.steps
      .filter(({ kind }) => kind === 'service.stop')
      .map(({ params }) => params['unit']);
    expect(units).toEqual(['keepalived.service', 'nginx.service', 'keepalived.service', 'nginx.service']);
    const after = applyPlanToFacts(running, released.steps);
    expect(plan(external, after).steps).toEqual([]);
  });

  it('leaves the nginx of somebody else alone in an uninstall', () => {
    const file = (content: string) => ({ mode: '0644', owner: 'root', group: 'root', content });
    const foreign = withFacts(bare(layout), 'lb1', (node) => ({
      ...withUnit('nginx.service', 'active')(node),
      files: { ...node.files, [KEEPALIVED_PATH]: file('vrrp_instance theirs {}\n') },
    }));
    expect(plan(layout, foreign, 'uninstall').steps).toEqual([]);
  });

  it('links the file of an EL host again whose link was lost, and has nginx read it', () => {
    const lost = withFacts(running, 'lb2', ({ stamps }) => ({
      stamps: { ...stamps, [NGINX_LINK_STAMP]: 'linked' },
    }));
    const mend = plan(layout, lost);
    expect(toLines(mend)).toEqual(['lb2 lb.put', 'lb2 service.reload', 'lb2 lb.ready', 's1 cluster.verify']);
    expect(mend.steps[0]?.effect).toContain('links /etc/nginx/modules-enabled/90-siteplan-stream.conf again');
    const mended = applyPlanToFacts(lost, mend.steps);
    expect(plan(layout, mended).steps).toEqual([]);
    const gone = applyPlanToFacts(mended, plan(layout, mended, 'uninstall').steps);
    expect(plan(layout, gone, 'uninstall').steps).toEqual([]);
    expect(gone.flatMap(({ stamps }) => Object.keys(stamps))).not.toContain(NGINX_LINK_STAMP);
  });

  it('takes the link of EL hosts along', () => {
    const linked = withFacts(running, 'lb1', (node) => ({
      files: {
        ...node.files,
        [NGINX_LINK_PATH]: { mode: '0000', owner: 'unknown', group: 'unknown', content: null },
      },
    }));
    const removed = plan(layout, linked, 'uninstall').steps.flatMap(({ nodeId, kind, params }) =>
      nodeId === 'n-lb1' && kind === 'file.remove' ? [params['path']] : [],
    );
    expect(removed).toEqual([
      KEEPALIVED_PATH,
      toDropInPath('keepalived.service'),
      NGINX_LINK_PATH,
      NGINX_STREAM_PATH,
      toDropInPath('nginx.service'),
    ]);
    expect(plan(layout, linked).steps).toEqual([]);
  });
});

describe('files that somebody changed by hand', () => {
  it.each([
    ['s2', RKE2_CONFIG_PATH, 'service.restart'],
    ['a1', RKE2_CONFIG_PATH, 'service.restart'],
    ['lb1', NGINX_STREAM_PATH, 'service.reload'],
  ])('on %s, %s, are mended by one plan, with a %s', (name, path, kind) => {
    const drifted = withFacts(running, name, ({ files }) => {
      const found = files[path] ?? { mode: '', owner: '', group: '', content: '' };
      return { files: { ...files, [path]: { ...found, content: `${found.content}# by hand\n` } } };
    });
    const mended = plan(layout, drifted);
    expect(toLines(mended)).toContain(`${name} ${kind}`);
    expect(plan(layout, applyPlanToFacts(drifted, mended.steps)).steps).toEqual([]);
  });
});

describe('quorum', () => {
  it('is never lowered twice: a server that stands still is started before others restart', () => {
    const stopped = withFacts(running, 's3', withUnit('rke2-server.service', 'inactive'));
    const result = plan(withSan, stopped);
    const waits = waitsIn(result);
    expect(waits('s1 file.put', 's3 rke2.ready')).toBe(true);
    expect(waits('s2 file.put', 's1 rke2.ready')).toBe(true);
    expect(toLines(result)).toContain('s3 service.start');
    const restarts = result.steps.filter(({ kind }) => kind === 'service.restart');
    expect(restarts.map(({ quorum }) => quorum)).toEqual(['2 of 3', '2 of 3']);
    expect(restarts.map(({ params }) => params['keepsQuorumAs'])).toEqual(['s1', 's2']);
    // Also where nobody looked: a bundle made for bare hosts may meet running ones.
    const isStart = ({ kind, params }: PlanStep) =>
      kind === 'service.start' && params['unit'] === 'rke2-server.service';
    const asked = plan(layout, bare(layout)).steps.filter(isStart);
    expect(asked.map(({ params }) => params['keepsQuorumAs'])).toEqual(['s1', 's2', 's3']);
  });

  it('does not count a server that fails again and again, and has it work before a voter restarts', () => {
    const looping = withFacts(running, 's3', withUnit('rke2-server.service', 'activating'));
    const result = plan(withSan, looping);
    const waits = waitsIn(result);
    expect(waits('s1 file.put', 's3 rke2.ready')).toBe(true);
    expect(waits('s3 service.restart', 's1 service.restart')).toBe(false);
    const quorums = (from: Plan, kind: string) =>
      from.steps.flatMap((step) =>
        step.kind === kind && step.nodeId.startsWith('n-s') ? [`${step.nodeId} ${step.quorum ?? '-'}`] : [],
      );
    expect(quorums(result, 'service.restart')).toEqual(['n-s3 -', 'n-s1 2 of 3', 'n-s2 2 of 3']);
    expect(quorums(plan(layout, looping, 'uninstall'), 'rke2.uninstall')).toEqual([
      'n-s3 -',
      'n-s2 1 of 2',
      'n-s1 0 of 1',
    ]);
  });

  it('is not waited for by one server when all stand still: they start together', () => {
    const names = ['s1', 's2', 's3'];
    const dead = names.reduce(
      (facts, name) => withFacts(facts, name, withUnit('rke2-server.service', 'failed')),
      running,
    );
    const result = plan(layout, dead);
    const waits = waitsIn(result);
    for (const name of names) {
      for (const other of names) {
        if (name !== other) expect(waits(`${name} service.start`, `${other} rke2.ready`)).toBe(false);
      }
    }
    expect(waits('s1 cluster.verify', 's3 rke2.ready')).toBe(true);
  });
});

describe('any plan of a site with load balancers', { timeout: 60_000 }, () => {
  const sizes = fc.record({
    servers: fc.integer({ min: 1, max: 5 }),
    agents: fc.integer({ min: 0, max: 12 }),
    balancers: fc.integer({ min: 1, max: 3 }),
  });
  const toTopology = ({
    servers,
    agents,
    balancers,
  }: {
    servers: number;
    agents: number;
    balancers: number;
  }) => {
    const [server] = layout.nodes;
    const make = (role: 'server' | 'agent' | 'lb', count: number, from: number) =>
      Array.from({ length: count }, (_, index) => ({
        ...server,
        id: NodeId.parse(`n-${role}${index}`),
        name: `${role}${index}`,
        role,
        internalIp: `192.168.10.${from + index}`,
        externalIp: undefined,
      }));
    const nodes = [
      ...make('server', servers, 20),
      ...make('agent', agents, 30),
      ...make('lb', balancers, 10),
    ];
    return Topology.parse({ ...layout, nodes });
  };

  it('comes to an empty one from wherever an interrupted one stopped, and an uninstall leaves nothing to do', () => {
    fc.assert(
      fc.property(sizes, fc.double({ min: 0, max: 1, noNaN: true }), (size, share) => {
        const topology = toTopology(size);
        const { steps } = plan(topology, bare(topology));
        const half = applyPlanToFacts(bare(topology), steps.slice(0, Math.floor(steps.length * share)));
        const end = applyPlanToFacts(half, plan(topology, half).steps);
        expect(plan(topology, end).steps).toEqual([]);
        for (const facts of [half, end]) {
          const removed = applyPlanToFacts(facts, plan(topology, facts, 'uninstall').steps);
          expect(plan(topology, removed, 'uninstall').steps).toEqual([]);
        }
      }),
      { numRuns: 15 },
    );
  });

  it('never has two load balancers or two servers at work on what serves at the same time', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const topology = toTopology(size);
        const first = plan(topology, bare(topology));
        const facts = applyPlanToFacts(bare(topology), first.steps);
        const changed = Topology.parse({
          ...topology,
          security: { ...topology.security, extraSans: ['x.example.net'] },
          registration: { ...topology.registration, virtualRouterId: 77 },
        });
        for (const result of [first, plan(changed, facts)]) {
          const before = toBefore(result);
          const serving = result.steps.filter(
            ({ nodeId, kind }) =>
              !nodeId.startsWith('n-agent') && /^(service\.|lb\.ready|rke2\.ready)/.test(kind),
          );
          for (const one of serving) {
            for (const other of serving) {
              if (one.nodeId === other.nodeId) continue;
              const isOrdered = before.get(one.id)?.has(other.id) || before.get(other.id)?.has(one.id);
              expect(isOrdered, `${one.title} of ${one.nodeId}, ${other.title} of ${other.nodeId}`).toBe(
                true,
              );
            }
          }
          const last = result.steps.at(-1);
          expect(last?.kind).toBe('cluster.verify');
          expect(before.get(last?.id ?? '')?.size).toBe(result.steps.length - 1);
        }
        expect(loadBalancers(topology)).toHaveLength(size.balancers);
      }),
      { numRuns: 10 },
    );
  });
});
