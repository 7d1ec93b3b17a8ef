import { beforeEach, expect, it, vi } from 'vitest';
import { findNode } from '@/lib/topology/find-node';
import { exampleLayout } from '@/lib/testing/example-layout';
import { makeFacts } from '@/lib/testing/make-facts';
import { makeSurvey } from '@/lib/testing/make-survey';
import { HostError } from '@/lib/ssh/host-error';
import { readDiskSpeed, readSurvey } from '../preflight/read-host';
import { probeLinks } from '../preflight/probe-links';
import type { JobContext } from './job-context';
import { runPreflight } from './preflight';

/* Hosts are stood in for here: what is made of readings that fail is the matter. Real ones: e2e/preflight.lab.test.ts */

const topology = exampleLayout();
const [bad, good] = topology.nodes;
if (!bad || !good) throw new Error('the layout has too few nodes');

vi.mock('@/lib/db/read-now', () => ({ readNow: () => Promise.resolve(new Date(0)) }));
vi.mock('../preflight/take-turns', () => ({ takeTurns: (_: unknown, work: () => unknown) => work() }));
vi.mock('../preflight/probe-links', () => ({ probeLinks: vi.fn() }));
vi.mock('../preflight/read-host', () => ({ readSurvey: vi.fn(), readDiskSpeed: vi.fn() }));
vi.mock('./gather-facts', () => ({
  gatherFacts: ({ topology: { nodes } }: Pick<JobContext, 'topology'>, ids?: string[]) =>
    Promise.resolve(
      nodes
        .filter(({ id }) => ids?.includes(id) ?? true)
        .map((node) => ({ nodeId: node.id, facts: makeFacts(topology, node) })),
    ),
}));

const job = {
  topology,
  revision: 1,
  db: { pool: null },
  log: { warn: () => undefined, error: () => undefined },
  signal: new AbortController().signal,
  progress: () => Promise.resolve(),
  hosts: {
    connect: () => Promise.resolve({ openShell: () => ({ close: () => undefined }) }),
  },
} as unknown as JobContext; // all that a preflight uses of it

const failure = { code: 'connection-lost', message: 'It went away.', nextAction: 'Look at it.' } as const;
beforeEach(() => {
  vi.mocked(probeLinks).mockResolvedValue({ links: [], vips: new Map() });
  vi.mocked(readDiskSpeed).mockResolvedValue({ unknown: 'no dd' });
  vi.mocked(readSurvey).mockImplementation((_, __, { id }) => {
    const node = findNode(topology, id);
    if (id === bad.id || !node) return Promise.reject(new HostError(failure));
    return Promise.resolve(makeSurvey(node));
  });
});

it('counts a host whose survey failed as not reached when all of its checks were asked for', async () => {
  for (const nodeIds of [null, [bad.id, good.id]]) {
    const { unreachable, cells } = await runPreflight(job, { nodeIds, checkIds: null });
    expect(unreachable).toEqual([{ nodeId: bad.id, failure }]);
    expect(cells.filter(({ nodeId }) => nodeId === bad.id)).toEqual([]);
    expect(cells.filter(({ nodeId }) => nodeId === good.id).length).toBeGreaterThan(10);
  }
});

it('says so of the single check that was asked for, and blames no host that nobody asked about', async () => {
  const checkIds = ['kernel-modules'];
  const own = await runPreflight(job, { nodeIds: [bad.id], checkIds });
  expect(own).toMatchObject({
    unreachable: [],
    cells: [{ nodeId: bad.id, isUnknown: true, status: 'warn' }],
  });
  expect((await runPreflight(job, { nodeIds: [good.id], checkIds: null })).unreachable).toEqual([]);
});
