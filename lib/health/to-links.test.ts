import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { makeFacts } from '@/lib/testing/make-facts';
import { makeSurvey } from '@/lib/testing/make-survey';
import { exampleLayout } from '@/lib/testing/example-layout';
import { Topology } from '@/lib/topology/topology';
import { LINK_CHECKS, LINK_STATES, type LinkState } from './check-definition';
import { FULL_MESH_HOSTS, NEIGHBOURS, toLinkPlan, type Dial } from './link-plan';
import { findEarlyState, parseDial, parseListen, parseVip, toLinks } from './to-links';

const layout = exampleLayout();
const all = (topology: Topology) => new Set<string>(topology.nodes.map(({ id }) => id));
const planOf = (topology: Topology, more: Partial<Parameters<typeof toLinkPlan>[1]> = {}) =>
  toLinkPlan(topology, {
    facts: topology.nodes.map((node) => makeFacts(topology, node)),
    surveys: new Map(topology.nodes.map((node) => [node.id, makeSurvey(node)])),
    from: all(topology),
    checkIds: new Set(LINK_CHECKS),
    ...more,
  });
const show = ({ fromId, toId, protocol, port, checkId }: Dial) =>
  `${fromId} ${toId} ${protocol}${port === null ? '' : ` ${port}`} ${checkId}`;

describe('what is dialled', () => {
  it('is the port matrix between all pairs, both ways, and nothing that only Services need', () => {
    const { dials, pairsLeftOut } = planOf(layout);
    expect(pairsLeftOut).toBe(0);
    const lines = dials.map(show);
    expect(new Set(lines).size).toBe(lines.length);
    expect(lines).toContain('n-a1 n-s3 tcp 9345 reach-tcp');
    expect(lines).toContain('n-s1 n-s2 tcp 2380 reach-tcp');
    expect(lines).toContain('n-a1 n-a2 udp 8472 reach-udp');
    expect(lines).toContain('n-a1 n-lb2 tcp 9345 reach-tcp');
    expect(lines).toContain('n-lb2 n-lb1 vrrp reach-vrrp');
    expect(lines).toContain('n-s1 n-a1 icmp path-mtu');
    expect(lines.filter((line) => /n-a\d n-s\d tcp 2379|30000|n-lb\d n-a/.test(line))).toEqual([]);
    expect(dials.filter(({ fromId, toId }) => fromId === toId)).toEqual([]);
  });

  it('has a listener for every dial that needs one, each port once', () => {
    const { dials, listeners } = planOf(layout);
    const open = [...listeners].flatMap(([id, ports]) =>
      ports.map(({ protocol, port }) => `${id} ${protocol} ${port}`),
    );
    expect(new Set(open).size).toBe(open.length);
    const needed = dials
      .filter(({ protocol }) => protocol !== 'icmp')
      .map(({ toId, protocol, port }) => `${toId} ${protocol} ${port}`);
    expect(new Set(open)).toEqual(new Set(needed));
  });

  it('leaves a keepalived that runs alone', () => {
    const facts = layout.nodes.map((node) =>
      makeFacts(layout, node, {
        units: { 'keepalived.service': { load: 'loaded', active: 'active', enabled: '' } },
      }),
    );
    const { listeners } = planOf(layout, { facts });
    expect([...listeners.values()].flat().filter(({ protocol }) => protocol === 'vrrp')).toEqual([]);
    const vrrp = planOf(layout).dials.find(({ protocol }) => protocol === 'vrrp');
    if (!vrrp) throw new Error('the layout has two load balancers');
    expect(findEarlyState(vrrp, null, true)).toBe('in-use');
    expect(findEarlyState(vrrp, new Map([['vrrp 0', 'listening']]), false)).toBeNull();
  });

  it('is only what was asked for', () => {
    const { dials, listeners } = planOf(layout, {
      from: new Set(['n-s1']),
      checkIds: new Set(['reach-udp']),
    });
    expect(new Set(dials.map(({ fromId, checkId }) => `${fromId} ${checkId}`))).toEqual(
      new Set(['n-s1 reach-udp']),
    );
    expect(new Set([...listeners.values()].flat().map(({ port }) => port))).toEqual(new Set([8472]));
  });

  it('fills packets to the MTU of the link, or of the tailnet', () => {
    const sizeOf = (topology: Topology, mtu: number) => {
      const links = [{ name: 'eth0', mtu, speedMbit: 1_000 }];
      const surveys = new Map(topology.nodes.map((node) => [node.id as string, makeSurvey(node, { links })]));
      return planOf(topology, { surveys }).dials.find(({ checkId }) => checkId === 'path-mtu')?.size;
    };
    expect(sizeOf(layout, 1_500)).toBe(1_472);
    expect(sizeOf(layout, 9_000)).toBe(8_972);
    const edge = Topology.parse({ ...layout, edge: { tailscale: { enabled: true } } });
    expect(sizeOf(edge, 1_500)).toBe(1_252);
  });

  it('stays linear on a large site: agents dial servers and neighbours, and the rest is counted', () => {
    const agent = layout.nodes.find(({ role }) => role === 'agent');
    if (!agent) throw new Error('the layout has agents');
    const more = Array.from({ length: 100 }, (_, index) => ({
      ...agent,
      id: NodeId.parse(`n-more-${index}`),
      name: `more-${index}`,
      internalIp: `192.168.${20 + index}.1`,
    }));
    const large = { ...layout, nodes: [...layout.nodes, ...more] };
    expect(large.nodes.length).toBeGreaterThan(FULL_MESH_HOSTS);
    const bare = { facts: [], surveys: new Map() };
    const { dials, pairsLeftOut } = planOf(large, { ...bare, from: new Set(['n-more-7']) });
    const peers = new Set(dials.map(({ toId }) => toId));
    expect(peers.size).toBe(3 + 2 + NEIGHBOURS);
    expect(pairsLeftOut).toBe(large.nodes.length - 1 - peers.size);
    expect(
      new Set(planOf(large, { ...bare, from: new Set(['n-s1']) }).dials.map(({ toId }) => toId)).size,
    ).toBe(large.nodes.length - 1);
  });
});

describe('what hosts print', () => {
  it('is taken only as documented', () => {
    expect(parseListen(['no-means'])).toBeNull();
    expect(
      parseListen(['siteplan-listen 1', 'listening tcp 6443', 'taken udp 8472', 'open tcp 1', 'ready']),
    ).toEqual(
      new Map([
        ['tcp 6443', 'listening'],
        ['udp 8472', 'taken'],
      ]),
    );
    expect(parseDial('no-means\n')).toBeNull();
    expect(parseDial('siteplan-dial 1\n0 open\n')).toBeNull();
    expect(parseDial('siteplan-dial 1\n0 open\n1 no-source\n2 perfect\nend\n')).toEqual(
      new Map([
        [0, 'open'],
        [1, 'unknown'],
      ]),
    );
  });

  it('never fails on hostile text, and gives only states that exist', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const state of parseDial(`siteplan-dial 1\n${text}\nend\n`)?.values() ?? [])
          expect(LINK_STATES).toContain(state);
        parseListen(`siteplan-listen 1\n${text}`.split('\n'));
        expect(parseVip(text, undefined).mac).toMatch(/^([0-9a-f]{2}(:[0-9a-f]{2}){5})?$/);
      }),
    );
  });

  it('tells who has the virtual IP', () => {
    expect(parseVip('arp -\n', 'blocked')).toEqual({ state: 'silent', mac: '' });
    // Silent to echoes, and still there: it answered for its hardware address.
    expect(parseVip('arp 02:00:00:00:00:0a\n', 'blocked')).toEqual({
      state: 'neighbour',
      mac: '02:00:00:00:00:0a',
    });
    expect(parseVip('', 'open')).toEqual({ state: 'neighbour', mac: '' });
    expect(parseVip('', undefined)).toEqual({ state: 'unknown', mac: '' });
  });
});

describe('links', () => {
  const { dials } = planOf(layout, { from: new Set(['n-s1']) });
  const judge = (find: (dial: Dial) => LinkState, countsInUse = false) =>
    toLinks(dials, find, () => countsInUse);

  it('are ok only when every port is open, or held by a program of this cluster', () => {
    expect(judge(() => 'open').every(({ status }) => status === 'ok')).toBe(true);
    const held = judge(({ protocol }) => (protocol === 'icmp' ? 'open' : 'in-use'));
    expect(
      new Set(held.filter(({ checkId }) => checkId === 'reach-tcp').map(({ status }) => status)),
    ).toEqual(new Set(['warn']));
    expect(held.find(({ checkId }) => checkId === 'reach-udp')).toMatchObject({
      status: 'warn',
      value: 'udp 8472 unknown',
    });
    const members = judge(({ protocol }) => (protocol === 'icmp' ? 'open' : 'in-use'), true);
    expect(members.every(({ status }) => status === 'ok')).toBe(true);
  });

  it('are never ok when a port is not open, whatever the state (property)', () => {
    fc.assert(
      fc.property(fc.nat(dials.length - 1), fc.constantFrom(...LINK_STATES), (index, state) => {
        const links = toLinks(
          dials,
          (_dial, at) => (at === index ? state : 'open'),
          () => false,
        );
        const dial = dials[index];
        const link = links.find(({ toId, checkId }) => toId === dial?.toId && checkId === dial.checkId);
        const isFine = state === 'open';
        expect(link?.status === 'ok').toBe(isFine);
        const isRed =
          !isFine && dial?.need === 'required' && !['unknown', 'too-big', 'in-use'].includes(state);
        // A mute host says nothing of large packets.
        if (dial?.checkId !== 'path-mtu') expect(link?.status === 'fail').toBe(isRed);
      }),
    );
  });

  it('name the ports in the way', () => {
    const links = judge(({ toId, port }) =>
      toId === 'n-s2' && port !== null && port < 5_000 ? 'blocked' : 'open',
    );
    expect(links.find(({ toId, checkId }) => toId === 'n-s2' && checkId === 'reach-tcp')?.value).toBe(
      'tcp 2379 blocked, tcp 2380 blocked, tcp 4240 blocked and 1 more',
    );
  });

  it('do not blame the path of a host that answers no echo at all', () => {
    const mute = judge(({ protocol }) => (protocol === 'icmp' ? 'blocked' : 'open'));
    expect(mute.find(({ checkId }) => checkId === 'path-mtu')).toMatchObject({
      status: 'warn',
      value: 'unknown',
    });
    const lost = judge(({ checkId }) => (checkId === 'path-mtu' ? 'blocked' : 'open'));
    expect(lost.find(({ checkId }) => checkId === 'path-mtu')).toMatchObject({
      status: 'fail',
      value: '1500 bytes: lost',
    });
    const smaller = judge(({ checkId }) => (checkId === 'path-mtu' ? 'too-big' : 'open'));
    expect(smaller.find(({ checkId }) => checkId === 'path-mtu')?.status).toBe('warn');
  });
});
