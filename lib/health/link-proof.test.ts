import { describe, expect, it } from 'vitest';
import { factsOf, makeTopology, OURS, RUNNING, unit } from '@/lib/testing/check-site';
import type { NodeFacts } from './facts';
import { isProof } from './link-proof';

const [bare] = factsOf(makeTopology(1));
if (!bare) throw new Error('one node');
const facts = (more: Partial<NodeFacts>): NodeFacts => ({ ...bare, ...more });
const member = facts(RUNNING);
const stopped = facts({ ...RUNNING, units: { 'rke2-server.service': unit('inactive') } });
const foreign = facts({ ...RUNNING, stamps: {} });
const units = { 'nginx.service': unit('active'), 'keepalived.service': unit('active') };
const balancer = facts({ units, stamps: { 'lb-packages': 'x' } });
const website = facts({ units });
const tcp = { protocol: 'tcp' } as const;
const udp = { protocol: 'udp' } as const;
const vrrp = { protocol: 'vrrp' } as const;

describe('a port in use', () => {
  it('is reached by TCP where this cluster or its load balancer holds it, also from a host that joins', () => {
    expect([bare, member].map((from) => isProof(tcp, from, member))).toEqual([true, true]);
    expect([bare, member].map((from) => isProof(tcp, from, balancer))).toEqual([true, true]);
  });

  it('says nothing where somebody else may hold it', () => {
    for (const to of [bare, stopped, foreign, website, facts({ stamps: OURS }), undefined])
      expect([tcp, udp, vrrp].map((dial) => isProof(dial, member, to))).toEqual([false, false, false]);
    expect(isProof(tcp, undefined, member)).toBe(false);
  });

  it('is reached by datagrams only between members, and by VRRP only between our load balancers', () => {
    expect(isProof(udp, member, member)).toBe(true);
    expect(isProof(udp, bare, member)).toBe(false);
    expect(isProof(vrrp, balancer, balancer)).toBe(true);
    expect(isProof(vrrp, website, balancer)).toBe(false);
    expect(isProof(vrrp, balancer, website)).toBe(false);
  });
});
