import { describe, expect, it } from 'vitest';
import { configured, factsOf, makeTopology, unit } from '@/lib/testing/check-site';
import { exampleLayout } from '@/lib/testing/example-layout';
import { makeFacts } from '@/lib/testing/make-facts';
import type { Link } from './check-definition';
import { checkHosts, listNeeds, type CheckReadings } from './checks';
import type { NodeFacts } from './facts';

describe('checks that compare hosts', () => {
  it('find equal names, equal machine ids and a clock apart from the others', () => {
    const three = makeTopology(3);
    const facts = factsOf(three).map((node, index) => ({
      ...node,
      hostname: index === 2 ? 'c' : 'same',
      machineId: index === 2 ? 'c' : 'clone',
      clockOffsetMs: index === 2 ? 0 : 60_000,
    }));
    const bad = checkHosts(three, facts).filter(({ status }) => status !== 'ok');
    expect(bad.map(({ nodeId, checkId, status }) => `${nodeId} ${checkId} ${status}`)).toEqual([
      'n-1 hostname warn',
      'n-1 machine-id fail',
      'n-2 hostname warn',
      'n-2 machine-id fail',
      'n-3 clock fail',
    ]);
  });

  it('compare two clocks with each other, not with the worker’s', () => {
    const two = makeTopology(2);
    const statuses = (offsets: readonly number[]) =>
      checkHosts(
        two,
        factsOf(two).map((node, index) => ({ ...node, clockOffsetMs: offsets[index] ?? 0 })),
      ).flatMap(({ checkId, status }) => (checkId === 'clock' ? [status] : []));
    expect(statuses([90_000, 90_500])).toEqual(['ok', 'ok']);
    expect(statuses([0, 3_000])).toEqual(['warn', 'warn']);
    expect(statuses([0, -40_000])).toEqual(['fail', 'fail']);
  });

  it('compare the critical values of running servers', () => {
    const drawn = makeTopology(2);
    const nodes = drawn.nodes.map((node) => ({ ...node, role: 'server' as const }));
    const two = { ...drawn, nodes };
    const dns = 'cluster-dns: 10.43.0.53\n';
    const [a, b] = factsOf(two);
    if (!a || !b) throw new Error('two nodes');
    const find = (first: Partial<NodeFacts>, second: Partial<NodeFacts>) =>
      checkHosts(two, [
        { ...a, ...first },
        { ...b, ...second },
      ]).filter(({ checkId }) => checkId === 'critical-values');
    expect(find(configured(dns), configured(dns)).map(({ status }) => status)).toEqual(['ok', 'ok']);
    expect(find(configured(dns), configured(''))[0]?.value).toBe(
      `cluster-dns is 10.43.0.53, on ${two.nodes[1]?.name} not set`,
    );
    // Its configuration will be written by the plan: nothing to compare yet.
    expect(find(configured(dns), {}).map(({ nodeId }) => nodeId)).toEqual(['n-1']);
  });

  it('leave out a host whose facts are not known', () => {
    const two = makeTopology(2);
    expect(new Set(checkHosts(two, factsOf(two).slice(1)).map(({ nodeId }) => nodeId))).toEqual(
      new Set(['n-2']),
    );
  });
});

describe('the virtual IP', () => {
  const layout = exampleLayout();
  const vip = layout.registration.vip ?? '';
  const holding = (names: readonly string[], active: boolean) =>
    layout.nodes.map((node) => {
      const facts = makeFacts(layout, node);
      if (!names.includes(node.name)) return facts;
      const units = active ? { ...facts.units, 'keepalived.service': unit('active') } : facts.units;
      return {
        ...facts,
        units,
        addresses: [...facts.addresses, { interface: 'eth0', address: vip, prefix: 24 }],
      };
    });
  const judge = (facts: readonly NodeFacts[], vips: CheckReadings['vips']) =>
    checkHosts(layout, facts, {
      ...(vips && { vips }),
      nodeIds: new Set(['n-lb1']),
      checkIds: new Set(['vip']),
    }).map(({ status, value }) => `${status} ${value}`);
  const answer = (state: 'silent' | 'neighbour' | 'unknown', mac = '') =>
    new Map([['n-lb1', { state, mac }]]);

  it('may be nobody’s, or held by one load balancer of ours', () => {
    expect(judge(holding([], true), answer('silent'))).toEqual(['ok free']);
    expect(judge(holding(['lb2'], true), answer('neighbour'))).toEqual(['ok held by lb2']);
  });

  it('is red when anybody else has it, and unknown when nobody could ask', () => {
    expect(judge(holding([], true), answer('neighbour', '02:00:00:00:00:01'))).toEqual([
      'fail answered by 02:00:00:00:00:01',
    ]);
    expect(judge(holding(['s2'], true), answer('silent'))).toEqual(['fail an address of s2']);
    expect(judge(holding(['lb2'], false), answer('silent'))).toEqual(['fail an address of lb2']);
    expect(judge(holding(['lb1', 'lb2'], true), answer('silent'))).toEqual([
      'fail an address of lb1 and lb2',
    ]);
    for (const vips of [answer('unknown'), undefined])
      expect(judge(holding([], true), vips)).toEqual(['warn unknown: nothing to ask with on this host']);
  });
});

describe('links', () => {
  const two = makeTopology(2);
  const link = (more: Partial<Link> = {}): Link => ({
    fromId: 'n-1',
    toId: 'n-2',
    checkId: 'reach-tcp',
    status: 'fail',
    value: 'tcp 10250 blocked',
    ports: [{ ruleId: 'kubelet', protocol: 'tcp', port: 10_250, state: 'blocked', need: 'required' }],
    ...more,
  });
  const judge = (links: readonly Link[]) =>
    checkHosts(two, factsOf(two), { links }).filter(({ group }) => group === 'links');

  it('make the cell of the node that dials red, with the name of the other and what to do', () => {
    const [cell, ...others] = judge([link()]);
    expect(others).toEqual([]);
    expect(cell).toMatchObject({ nodeId: 'n-1', checkId: 'reach-tcp', status: 'fail', isUnknown: false });
    expect(cell?.value).toBe(`${two.nodes[1]?.name}: tcp 10250 blocked`);
    expect(cell?.fix).toContain(two.nodes[1]?.name);
  });

  it('are told apart: unknown is amber and says so, all open is ok', () => {
    const port = { ruleId: 'kubelet', protocol: 'tcp', port: 10_250, need: 'required' } as const;
    const [unknown] = judge([
      link({ status: 'warn', value: 'tcp 10250 unknown', ports: [{ ...port, state: 'unknown' }] }),
    ]);
    expect(unknown).toMatchObject({ status: 'warn', isUnknown: true });
    const [fine] = judge([link({ status: 'ok', value: 'open', ports: [{ ...port, state: 'open' }] })]);
    expect(fine).toMatchObject({ status: 'ok', value: '1 of 1', fix: '' });
  });
});

describe('a part of the matrix', () => {
  it('is only the cells that were asked for', () => {
    const two = makeTopology(2);
    const cells = checkHosts(two, factsOf(two), {
      nodeIds: new Set(['n-2']),
      checkIds: new Set(['cpus', 'hostname']),
    });
    expect(cells.map(({ nodeId, checkId }) => `${nodeId} ${checkId}`)).toEqual(['n-2 cpus', 'n-2 hostname']);
  });

  it('needs only what its checks need', () => {
    expect([...listNeeds(new Set(['cpus']))]).toEqual([]);
    expect([...listNeeds(new Set(['hostname', 'disk-sync']))].sort()).toEqual(['all-facts', 'disk-speed']);
    expect(listNeeds()).toEqual(new Set(['survey', 'disk-speed', 'all-facts', 'vip', 'links']));
  });
});
