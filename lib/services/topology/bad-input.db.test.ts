import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkTopology } from '@/lib/rules/check-topology';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import { createWebFixture } from '@/lib/testing/web-fixture';
import { formatTopology } from '@/lib/topology/format-topology';
import type { TopologyView } from '@/lib/topology/topology-view';
import { exampleLayout } from '@/lib/testing/example-layout';
import type { ServiceContext } from '../context';
import { createSite } from '../sites/create-site';
import { checkFindings } from './check-findings';
import { getTopology } from './get-topology';
import { putTopology } from './put-topology';

let database: TestDatabase;
let admin: ServiceContext;
let site: TopologyView;
beforeAll(async () => {
  database = await createTestDatabase();
  admin = await createWebFixture(database).createPerson([{ siteId: null, role: 'admin' }]);
  site = await createSite(admin, { name: 'own', topology: { pattern: 'ha', nodes: [node(1)] } });
});
afterAll(() => database.drop());

const node = (place: number, changes: object = {}) => ({
  name: `s${place}`,
  role: 'server',
  internalIp: `192.0.2.${place}`,
  ...changes,
});
const ha = (...nodes: object[]) => ({ pattern: 'ha', nodes });
const tenMiB = 'x'.repeat(10 * 1024 * 1024);
const bomb = [
  'pattern: ha',
  'l0: &l0 [x, x, x, x, x, x, x, x, x]',
  ...Array.from({ length: 9 }, (_, level) => `l${level + 1}: &l${level + 1} [${`*l${level},`.repeat(9)}]`),
].join('\n');

/** All that a change of a topology could leave behind. */
async function readAll(): Promise<string> {
  const { prisma } = database.web;
  const [sites, revisions, nodes, secrets, audits] = await Promise.all([
    prisma.site.findMany({ orderBy: { id: 'asc' } }),
    prisma.topologyRevision.count(),
    prisma.node.findMany({ orderBy: { id: 'asc' } }),
    database.worker.prisma.secret.count(),
    prisma.audit.count(),
  ]);
  return JSON.stringify([sites, revisions, nodes, secrets, audits]);
}

const BAD: readonly (readonly [what: string, input: unknown, words: string])[] = [
  ['nothing', null, 'holds no topology'],
  ['a list', [], 'holds no topology'],
  ['a number', 7, 'holds no topology'],
  ['empty text', '', 'The file is empty'],
  ['malformed YAML', 'pattern: ha\nnodes: [\n', 'Line 3'],
  ['YAML with tabs', 'pattern: ha\nnodes:\n\t- name: s1\n', 'Line 3'],
  ['binary text', 'pattern: ha\u0000\nnodes: []', 'pattern, line 1: write ha, edge or custom'],
  ['a YAML bomb', bomb, 'Line 2: anchors and aliases (& and *) are not read'],
  ['10 MiB of YAML', `pattern: ha\nnotes: ${tenMiB}`, 'The file has 10.0 MiB'],
  ['10 MiB of JSON', { pattern: 'ha', notes: tenMiB }, 'holds more than 2 MiB of text'],
  ['1,001 nodes', ha(...Array.from({ length: 1_001 }, () => node(1))), 'The topology has 1001 nodes'],
  ['an unknown field', { ...ha(), colour: 'red' }, 'colour, there is no such field'],
  ['a later schema', { ...ha(), schemaVersion: 2 }, 'has schemaVersion 2; this Siteplan reads 1'],
  ['an odd host name', ha(node(1, { name: 'S_1' })), 'nodes[0].name, lowercase letters, digits and dashes'],
  ['a very long host name', ha(node(1, { name: 'a'.repeat(300) })), 'nodes[0].name, lowercase'],
  ['a NUL in a name', ha(node(1, { name: 's\u00001' })), 'nodes[0].name, lowercase'],
  ['text turned around', ha(node(1, { zone: 'r\u202e1' })), 'nodes[0].zone, no line breaks'],
  ['no address', ha(node(1, { internalIp: '192.0.2.300' })), 'nodes[0].internalIp, not an IPv4 address'],
  ['no port', ha(node(1, { ssh: { port: 70_000 } })), 'nodes[0].ssh.port, ports end at 65535'],
  [
    'no network',
    { ...ha(), network: { clusterCidr: '10.42.0.1/16' } },
    'network.clusterCidr, not an IPv4 network',
  ],
];

describe('input that is no topology', () => {
  it.each(BAD)(
    '%s is refused with its own words, and nothing has changed',
    async (_what, topology, words) => {
      const before = await readAll();
      const { siteId, etag } = site;
      const refused = { code: 'invalid', message: expect.stringContaining(words) as string };
      await expect(putTopology(admin, { siteId, topology, etag })).rejects.toMatchObject(refused);
      await expect(checkFindings(admin, { siteId, topology })).rejects.toMatchObject(refused);
      if (topology !== null) {
        await expect(createSite(admin, { name: 'never made', topology })).rejects.toMatchObject(refused);
      }
      expect(await readAll()).toBe(before);
      expect(await getTopology(admin, { siteId })).toEqual(site);
    },
  );

  it('has words of its own for each', () => {
    const words = BAD.map(([, , text]) => text);
    // A host name is refused in one way, whatever is odd about it.
    expect(new Set(words).size).toBeGreaterThanOrEqual(words.length - 4);
  });
});

/** What the schema takes and the rules refuse: it is stored as it was drawn, and no plan is made of it. */
const DRAWN: readonly (readonly [what: string, input: object, ruleId: string, words: string])[] = [
  [
    'duplicate host names',
    ha(node(1), node(2, { name: 's1' }), node(3)),
    'duplicate-name',
    'Two nodes are called s1',
  ],
  [
    'duplicate addresses',
    ha(node(1), node(2, { internalIp: '192.0.2.1' }), node(3)),
    'duplicate-address',
    'belongs to s1 already',
  ],
  ['even servers', ha(node(1), node(2)), 'even-servers', 'Two servers are worse than one'],
  [
    'a host called localhost',
    ha(node(1, { name: 'localhost' })),
    'hostname-form',
    'Give the node a name of its own',
  ],
  ['a host name of digits', ha(node(1, { name: '10' })), 'hostname-form', 'Start the name with a letter'],
  [
    'overlapping networks',
    {
      ...ha(node(1), node(2), node(3)),
      network: { clusterCidr: '10.42.0.0/16', serviceCidr: '10.42.128.0/20' },
    },
    'cidr-overlap',
    'overlaps with the pod network 10.42.0.0/16',
  ],
  [
    'pods on the hosts’ own network',
    { ...ha(node(1), node(2), node(3)), network: { clusterCidr: '192.0.0.0/16' } },
    'cidr-holds-host',
    '192.0.2.1 of s1 lies in the pod network',
  ],
];

describe('a topology that cannot work', () => {
  it.each(DRAWN)('with %s is told at its place', async (_what, topology, ruleId, words) => {
    const findings = await checkFindings(admin, { topology });
    const found = findings.filter((finding) => finding.ruleId === ruleId);
    expect(found.map(({ message }) => message).join(' ')).toContain(words);
    const stored = await createSite(admin, { name: `drawn ${ruleId} ${words.length}`, topology });
    expect(checkTopology(stored.topology)).toEqual(await checkFindings(admin, { siteId: stored.siteId }));
  });
});

describe('the example layout', () => {
  it('goes in as YAML, comes out as YAML, and goes in again without a new revision', async () => {
    const text = formatTopology({ ...exampleLayout(), security: site.topology.security }, { withIds: false });
    const withoutTokens = text.replace(/^security:\n( .*\n)+/m, '');
    const made = await createSite(admin, { name: 'example', topology: withoutTokens });
    const out = formatTopology(made.topology);
    const again = await putTopology(admin, { siteId: made.siteId, topology: out, etag: made.etag });
    expect(again).toEqual(made);
    expect(formatTopology(again.topology, { withIds: false }).replace(/^security:\n( .*\n)+/m, '')).toBe(
      withoutTokens,
    );
  });
});
