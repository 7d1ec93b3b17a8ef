import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import { createWebFixture } from '@/lib/testing/web-fixture';
import { createJob } from './jobs/create-job';
import { createSite } from './sites/create-site';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it('lets a person file thirty jobs a minute and takes nothing from others (S26)', async () => {
  const web = createWebFixture(database);
  const [eager, other] = [
    await web.createPerson([{ siteId: null, role: 'admin' }]),
    await web.createPerson([{ siteId: null, role: 'admin' }]),
  ];
  const topology = { pattern: 'custom', nodes: [{ name: 's1', role: 'server', internalIp: '192.0.2.1' }] };
  const sites = await Promise.all(
    Array.from({ length: 31 }, (_, index) => createSite(eager, { name: `site ${index}`, topology })),
  );
  const results = await Promise.allSettled(
    sites.map(({ siteId }) => createJob(eager, { kind: 'scan', siteId })),
  );
  const refused = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  expect(refused).toHaveLength(1);
  expect(refused[0]).toMatchObject({ code: 'too-many', message: expect.stringMatching(/\d+ s/) as string });
  const siteId = sites[0]?.siteId ?? '';
  expect(await createJob(other, { kind: 'preflight', siteId })).toMatchObject({ state: 'queued' });
});
