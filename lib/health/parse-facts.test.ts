import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { NodeFacts } from './facts';
import { maskSecrets } from './mask-secrets';
import { parseFacts } from './parse-facts';

const nodeId = NodeId.parse('n-1');
const clock = { sentAtMs: 1_000_000, receivedAtMs: 1_000_400 };
const read = (...lines: string[]) =>
  parseFacts(['siteplan-facts 1', ...lines, 'end', ''].join('\n'), nodeId, clock);

describe('facts', { timeout: 30_000 }, () => {
  it('measure the clock against the middle of the round trip', () => {
    expect(read('begun 1003100', 'ended 1003300').clockOffsetMs).toBe(3_000);
  });

  it('read addresses, listeners and units as the programs print them', () => {
    const facts = read(
      'address host0@if5 10.213.1.10/24',
      'address eth0 fe80::1/64',
      'address broken',
      'listen tcp 0.0.0.0:6443 users:(("kube-apiserver",pid=1,fd=3))',
      'listen tcp [::1]:9345 ',
      'listen udp 127.0.0.53%lo:53',
      'listen junk',
      'unit Id=rke2-server.service',
      'unit LoadState=loaded',
      'unit ActiveState=active',
      'unit UnitFileState=enabled',
      'unit ',
      'unit Id=chrony.service',
      'unit LoadState=not-found',
      'unit ActiveState=inactive',
      'unit UnitFileState=',
      'unit ',
      'unit LoadState=loaded',
      'unit ActiveState=active',
      'unit Id=ufw.service',
      'unit UnitFileState=enabled',
    );
    expect(facts.addresses).toEqual([
      { interface: 'host0', address: '10.213.1.10', prefix: 24 },
      { interface: 'eth0', address: 'fe80::1', prefix: 64 },
    ]);
    expect(facts.listening).toEqual([
      { protocol: 'tcp', address: '0.0.0.0', port: 6443, process: 'kube-apiserver' },
      { protocol: 'tcp', address: '::1', port: 9345, process: '' },
      { protocol: 'udp', address: '127.0.0.53', port: 53, process: '' },
    ]);
    expect(facts.units).toEqual({
      'rke2-server.service': { load: 'loaded', active: 'active', enabled: 'enabled' },
      'ufw.service': { load: 'loaded', active: 'inactive', enabled: 'enabled' },
    });
  });

  it('read the Nodes of a cluster, and nothing from lines that are none', () => {
    const { clusterNodes } = read(
      'cluster-node s1 control-plane=true etcd=true voter=True',
      'cluster-node s2 control-plane=true etcd= voter=False',
      'cluster-node a1 control-plane= etcd= voter=',
      'cluster-node $(id) control-plane=true etcd= voter=',
      'cluster-node --all control-plane=true etcd= voter=',
      'cluster-node a2 control-plane=true voter=True',
      'cluster-node ',
    );
    expect(clusterNodes).toEqual([
      { name: 's1', role: 'server', isVoter: true },
      { name: 's2', role: 'server', isVoter: false },
      { name: 'a1', role: 'agent', isVoter: false },
    ]);
  });

  it('cut no character in half', () => {
    const { hostname } = read(`hostname ${'x'.repeat(299)}\u{1f600}`);
    expect(hostname.isWellFormed()).toBe(true);
  });

  it('are refused when the end is missing', () => {
    expect(() => parseFacts('siteplan-facts 1\nhostname x\n', nodeId, clock)).toThrow('whole');
    expect(() => parseFacts('', nodeId, clock)).toThrow('whole');
  });

  it('are valid, storable facts from any text', () => {
    const key = fc.constantFrom(
      'hostname',
      'os',
      'memory',
      'address',
      'listen',
      'unit',
      'file',
      'no-file',
      'stamp',
      'drop-in',
      'cluster-node',
      'rke2',
      'cpus',
      'begun',
      'unit Id=__proto__',
    );
    const line = fc
      .tuple(key, fc.string({ unit: 'binary', maxLength: 400 }))
      .map(([name, rest]) => `${name} ${rest}`);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
        const facts = read(...lines);
        expect(NodeFacts.safeParse(facts).success).toBe(true);
        const json = JSON.stringify(facts);
        expect(json).not.toMatch(/\\u0000|\\ud[89a-f]/i);
      }),
      { numRuns: 150 },
    );
  });
});

describe('masking', () => {
  it.each([
    ['token: abc', 'token: ⟦masked⟧'],
    ['  agent-token: "x y"', '  agent-token: ⟦masked⟧'],
    ['token: "⟦secret join v1⟧"', 'token: "⟦secret join v1⟧"'],
    ['token: "⟦secret join v1⟧x"', 'token: ⟦masked⟧'],
    ['etcd-s3-secret-key: s', 'etcd-s3-secret-key: ⟦masked⟧'],
    ['    password: hunter2', '    password: ⟦masked⟧'],
    [`x K10${'a'.repeat(64)}::server:pass y`, 'x ⟦masked⟧ y'],
    [
      `token: "K10${'a'.repeat(64)}::node:⟦secret join v1⟧"`,
      `token: "K10${'a'.repeat(64)}::node:⟦secret join v1⟧"`,
    ],
    [
      'token: "K10⟦cluster-ca⟧::server:⟦secret join v1⟧"',
      'token: "K10⟦cluster-ca⟧::server:⟦secret join v1⟧"',
    ],
    [`token: "K10${'a'.repeat(64)}::node:⟦secret join v1⟧x"`, 'token: ⟦masked⟧'],
    [`token: "K10${'a'.repeat(64)}::node:x⟦secret join v1⟧"`, 'token: ⟦masked⟧'],
    [`x K10${'a'.repeat(64)}::server:⟦secret join v1⟧p y`, 'x ⟦masked⟧ join v1⟧p y'],
    ['-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----\nz', '⟦masked⟧\nz'],
    ['node-name: s1', 'node-name: s1'],
    ['token-ttl: 24h', 'token-ttl: 24h'],
  ])('%j', (text, masked) => {
    expect(maskSecrets(text)).toBe(masked);
    expect(maskSecrets(masked)).toBe(masked);
  });
});
