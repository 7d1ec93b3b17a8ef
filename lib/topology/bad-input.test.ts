import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '@/lib/core/errors';
import { NodeId } from '@/lib/core/ids';
import { parseTopologyDocument } from './parse-topology-document';
import { parseTopology } from './parse-topology';
import { refuseBulk } from './refuse-bulk';

const options = { previous: null, newId: () => NodeId.parse('n-any') };
const node = (changes: object) => ({
  pattern: 'ha',
  nodes: [{ name: 's1', role: 'server', internalIp: '192.0.2.1', ...changes }],
});

/** What the two doors say: a document of values as the API gets it, and its text as the YAML dialog has it. */
function errorsOf(document: object): { value: AppError; text: AppError } {
  const refusal = (read: () => unknown) => {
    try {
      read();
    } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      return error as AppError; // the line above has checked it
    }
    throw new Error(`taken: ${JSON.stringify(document)}`);
  };
  return {
    value: refusal(() => parseTopologyDocument(document, options)),
    text: refusal(() => parseTopology(JSON.stringify(document), options)),
  };
}

const BAD: readonly (readonly [what: string, document: object, path: string, words: string])[] = [
  [
    'a name with capitals',
    node({ name: 'S1' }),
    'nodes[0].name',
    'lowercase letters, digits and dashes, at most 63',
  ],
  ['a name with an underscore', node({ name: 's_1' }), 'nodes[0].name', 'lowercase letters'],
  ['a name with a dot', node({ name: 's1.example.net' }), 'nodes[0].name', 'lowercase letters'],
  ['a name with a dash at its end', node({ name: 's1-' }), 'nodes[0].name', 'lowercase letters'],
  ['a name of 64 characters', node({ name: 'a'.repeat(64) }), 'nodes[0].name', 'at most 63'],
  ['a name with letters beyond ASCII', node({ name: 'köln' }), 'nodes[0].name', 'lowercase letters'],
  ['a name that turns its text around', node({ name: 's1\u202e' }), 'nodes[0].name', 'lowercase letters'],
  ['a name with a NUL', node({ name: 's1\u0000' }), 'nodes[0].name', 'lowercase letters'],
  ['no name', node({ name: undefined }), 'nodes[0].name', 'is missing'],
  ['an empty name', node({ name: '' }), 'nodes[0].name', 'lowercase letters'],
  ['an unknown role', node({ role: 'master' }), 'nodes[0].role', 'write server, agent or lb'],
  ['an octet over 255', node({ internalIp: '192.0.2.256' }), 'nodes[0].internalIp', 'not an IPv4 address'],
  ['an octal octet', node({ internalIp: '192.0.02.1' }), 'nodes[0].internalIp', 'not an IPv4 address'],
  ['an IPv6 address', node({ internalIp: '2001:db8::1' }), 'nodes[0].internalIp', 'not an IPv4 address'],
  [
    'an address with a prefix',
    node({ internalIp: '192.0.2.1/24' }),
    'nodes[0].internalIp',
    'not an IPv4 address',
  ],
  ['a number for an address', node({ internalIp: 3232235777 }), 'nodes[0].internalIp', 'write text'],
  ['port 0', node({ ssh: { port: 0 } }), 'nodes[0].ssh.port', 'ports begin at 1'],
  ['port 65536', node({ ssh: { port: 65_536 } }), 'nodes[0].ssh.port', 'ports end at 65535'],
  ['half a port', node({ ssh: { port: 22.5 } }), 'nodes[0].ssh.port', 'a port is a whole number'],
  ['a port in words', node({ ssh: { port: 'ssh' } }), 'nodes[0].ssh.port', 'a port is a whole number'],
  [
    'a user that is an option',
    node({ ssh: { user: '-oProxyCommand=x' } }),
    'nodes[0].ssh.user',
    'not a user name',
  ],
  [
    'an address that is an option',
    node({ ssh: { address: '-J' } }),
    'nodes[0].ssh.address',
    'not a host name or address',
  ],
  [
    'four bastions',
    node({
      ssh: {
        bastion: {
          address: 'a',
          bastion: { address: 'b', bastion: { address: 'c', bastion: { address: 'd' } } },
        },
      },
    }),
    'nodes[0].ssh.bastion.bastion.bastion.bastion',
    'there is no such field',
  ],
  ['a zone that turns its text around', node({ zone: 'rack \u202e1' }), 'nodes[0].zone', 'direction marks'],
  ['a zone with a NUL', node({ zone: 'rack\u00001' }), 'nodes[0].zone', 'control characters'],
  ['a very long zone', node({ zone: 'r'.repeat(64) }), 'nodes[0].zone', 'longer than 63 characters'],
  ['an operating system on two lines', node({ os: 'Ubuntu\n24.04' }), 'nodes[0].os', 'no line breaks'],
  ['a label of 64 characters', node({ labels: { a: 'x'.repeat(64) } }), 'nodes[0].labels.a', 'at most 63'],
  [
    'a label’s name that is none',
    node({ labels: { 'a b': 'x' } }),
    'nodes[0].labels.a b',
    'not a valid name',
  ],
  [
    '101 labels',
    node({ labels: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`l${i}`, 'x'])) }),
    'nodes[0].labels',
    'at most 100 labels',
  ],
  ['half a core', node({ hardware: { cpus: 0.5 } }), 'nodes[0].hardware.cpus', 'write a whole number'],
  ['nodes by name', { pattern: 'ha', nodes: { s1: {} } }, 'nodes', 'write a list'],
  ['a node in words', { pattern: 'ha', nodes: ['192.0.2.1'] }, 'nodes[0]', 'write fields below it'],
  ['no pattern', { nodes: [] }, 'pattern', 'is missing'],
  ['an unknown pattern', { pattern: 'datacentre' }, 'pattern', 'write ha, edge or custom'],
  [
    'host bits in a network',
    { pattern: 'ha', network: { clusterCidr: '10.42.1.0/16' } },
    'network.clusterCidr',
    'not an IPv4 network such as 10.42.0.0/16',
  ],
  [
    'a prefix of 33',
    { pattern: 'ha', network: { serviceCidr: '10.43.0.0/33' } },
    'network.serviceCidr',
    'not an IPv4 network',
  ],
  [
    'a network without a prefix',
    { pattern: 'ha', network: { nodeCidr: '192.0.2.0' } },
    'network.nodeCidr',
    'not an IPv4 network',
  ],
  ['an MTU below zero', { pattern: 'ha', network: { mtu: -1 } }, 'network.mtu', 'at least 0'],
  [
    'yes for true',
    { pattern: 'ha', cilium: { wireguard: 'yes' } },
    'cilium.wireguard',
    'write true or false',
  ],
  [
    'a misspelt field',
    { pattern: 'ha', cilium: { hubble: { enabeld: true } } },
    'cilium.hubble.enabeld',
    'there is no such field',
  ],
  [
    'a field of another time',
    { pattern: 'ha', etcd: { quorum: 3 } },
    'etcd.quorum',
    'there is no such field',
  ],
  [
    'an argument with dashes',
    { pattern: 'ha', rke2: { serverArgs: { kubelet: ['--max-pods=200'] } } },
    'rke2.serverArgs.kubelet[0]',
    'without dashes in front',
  ],
  [
    'artifacts from nowhere',
    { pattern: 'ha', rke2: { artifacts: { from: 'usb' } } },
    'rke2.artifacts.from',
    'from is internet, mirror or pushed',
  ],
  [
    'a mirror without an address',
    { pattern: 'ha', rke2: { artifacts: { from: 'mirror' } } },
    'rke2.artifacts.url',
    'not an http or https URL',
  ],
  [
    'a version in a short form',
    { pattern: 'ha', rke2: { version: 'v1.35' } },
    'rke2.version',
    'write it like v1.35.7+rke2r1',
  ],
  [
    'a virtual IP that is a name',
    { pattern: 'ha', registration: { vip: 'lb.example.com' } },
    'registration.vip',
    'not an IPv4 address',
  ],
  [
    'a DNS name with a port',
    { pattern: 'ha', registration: { dnsName: 'lb.example.com:9345' } },
    'registration.dnsName',
    'not a DNS name',
  ],
  [
    'router id 256',
    { pattern: 'ha', registration: { virtualRouterId: 256 } },
    'registration.virtualRouterId',
    'at most 255',
  ],
  [
    'a volume directory with a way out',
    { pattern: 'edge', edge: { localPathDirectory: '/srv/../etc' } },
    'edge.localPathDirectory',
    'not an absolute path',
  ],
  [
    'a mirror without endpoints',
    { pattern: 'edge', edge: { registryMirrors: [{ registry: 'docker.io', endpoints: [] }] } },
    'edge.registryMirrors[0].endpoints',
    'at least one endpoint',
  ],
  [
    '201 names of the API',
    { pattern: 'ha', security: { extraSans: Array.from({ length: 201 }, (_, i) => `n${i}`) } },
    'security.extraSans',
    'more than 200 entries',
  ],
  [
    'notes that turn text around',
    { pattern: 'ha', notes: 'see \u2066here' },
    'notes',
    'overrides of direction',
  ],
  ['notes with a bell', { pattern: 'ha', notes: 'ding\u0007' }, 'notes', 'no control characters'],
];

describe('a document', () => {
  it.each(BAD)('with %s is refused at its place, by both doors', (_what, document, path, words) => {
    const { value, text } = errorsOf(document);
    expect(value.code).toBe('invalid');
    expect(Object.keys(value.fields ?? {})).toEqual([path]);
    expect(value.fields?.[path]).toContain(words);
    expect(value.message).toBe(`${path}, ${value.fields?.[path]}.`);
    // What is missing at the top stands in no line.
    const isAtTop = path === 'pattern' && words === 'is missing';
    expect(text.fields?.[path]).toBe(`${isAtTop ? '' : 'line 1: '}${value.fields?.[path]}`);
  });

  it('is never told in a schema library’s own words', () => {
    for (const [, document] of BAD) {
      expect(errorsOf(document).value.message).not.toMatch(/Invalid|Too (big|small)|expected|received|\/\^/);
    }
  });

  it('lists at most 50 problems and counts the rest', () => {
    const { value } = errorsOf({ pattern: 'ha', nodes: Array.from({ length: 300 }, () => ({ name: 'X' })) });
    expect(Object.keys(value.fields ?? {})).toHaveLength(50);
    expect(value.message).toContain('(and 899 more problems)');
  });

  it('never has foreign text of control characters or of any length in an error', () => {
    const { value } = errorsOf({ pattern: 'ha', ['\u202e\u0000\u001b[31m'.repeat(9_999)]: 1 });
    expect(value.message).toMatch(/^[^\u0000-\u001f\u202e]{1,600}$/);
    expect(JSON.stringify(value.fields)).not.toMatch(/[\u202e]|\\u0000|\\u001b/);
  });
});

describe('a document that is far too large', () => {
  const refusal = (document: unknown) => {
    try {
      parseTopologyDocument(document, options);
    } catch (error) {
      return error instanceof AppError ? error.message : String(error);
    }
    return 'taken';
  };

  it('is refused before each of its values is looked at', () => {
    const nodes = Array.from({ length: 100_000 }, () => ({ name: 'x' }));
    expect(refusal({ pattern: 'ha', nodes })).toMatch(/holds more than 100000 values|has 100000 nodes/);
    expect(refusal({ pattern: 'ha', nodes: nodes.slice(0, 1_001) })).toContain(
      'The topology has 1001 nodes; a site has at most 1000. Make several sites.',
    );
    expect(
      refusal({ pattern: 'ha', security: { extraSans: Array.from({ length: 200_000 }, () => 1) } }),
    ).toContain('holds more than 100000 values');
  });

  it('is refused for its text, in values and in names', () => {
    const tenMiB = 'x'.repeat(10 * 1024 * 1024);
    for (const document of [
      { pattern: 'ha', notes: tenMiB },
      { pattern: 'ha', [tenMiB]: 1 },
    ]) {
      expect(refusal(document)).toContain('holds more than 2 MiB of text');
    }
    expect(() => parseTopology(`pattern: ha\nnotes: ${tenMiB}`, options)).toThrow('The file has 10.0 MiB');
  });

  it('is refused for its depth, also where it has no end', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 1_000_000; level += 1) deep = [deep];
    expect(refusal({ pattern: 'ha', notes: deep })).toContain('nested more than 40 levels deep');
    const endless: Record<string, unknown> = { pattern: 'ha' };
    endless.notes = endless;
    expect(refusal(endless)).toContain('nested more than 40 levels deep');
  });

  it('leaves a full topology alone', () => {
    const labels = Object.fromEntries(
      Array.from({ length: 10 }, (_, i) => [`example.com/label-${i}`, 'value']),
    );
    const nodes = Array.from({ length: 1_000 }, (_, i) => ({ name: `a${i}`, role: 'agent', labels }));
    expect(() => refuseBulk({ pattern: 'ha', nodes })).not.toThrow();
  });
});

describe('any document at all', () => {
  it('is a topology or an error in words', () => {
    const anything = fc.anything({
      maxDepth: 4,
      withNullPrototype: true,
      withBigInt: true,
      withDate: true,
      withMap: true,
    });
    const shaped = fc.record(
      {
        pattern: fc.oneof(fc.constant('ha'), anything),
        nodes: fc.oneof(fc.array(anything, { maxLength: 3 }), anything),
        cilium: anything,
        network: anything,
        schemaVersion: anything,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(shaped, anything), (document) => {
        try {
          parseTopologyDocument(document, options);
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
