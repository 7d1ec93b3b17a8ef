import { describe, expect, it } from 'vitest';
import { listHops, toHopKey } from './list-hops';
import { SshAccess } from './topology';

const hop = (address: string, more: object = {}) => ({ address, ...more });

describe('hops to a node', () => {
  it('are none without a bastion', () => {
    expect(listHops(SshAccess.parse({}))).toEqual([]);
  });

  it('keep documents of one bastion as they were', () => {
    const ssh = SshAccess.parse({ bastion: { address: 'gate.example', user: 'jump' } });
    expect(listHops(ssh)).toEqual([{ address: 'gate.example', port: 22, user: 'jump' }]);
  });

  it('come in the order of the way', () => {
    const ssh = SshAccess.parse({ bastion: hop('c', { bastion: hop('b', { bastion: hop('a') }) }) });
    expect(listHops(ssh).map(({ address }) => address)).toEqual(['a', 'b', 'c']);
    expect(JSON.stringify(listHops(ssh))).not.toContain('bastion');
  });

  it('are three at most', () => {
    const four = hop('d', { bastion: hop('c', { bastion: hop('b', { bastion: hop('a') }) }) });
    expect(SshAccess.safeParse({ bastion: four }).success).toBe(false);
  });

  it('are named by address and port', () => {
    expect(toHopKey({ address: '192.0.2.1', port: 22 })).toBe('192.0.2.1:22');
    expect(toHopKey({ address: '2001:db8::1', port: 2222 })).toBe('[2001:db8::1]:2222');
  });
});
