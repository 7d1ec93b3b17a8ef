import { PassThrough } from 'node:stream';
import { Client } from 'pg';
import { afterAll, beforeAll, it } from 'vitest';
import { recordChange } from '@/lib/db/change-feed';
import { connectDatabase } from '@/lib/db/connect';
import { stopListening } from '@/lib/db/listen';
import { createLogger } from '@/lib/log/logger';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import { followTrust } from './follow-trust';

let database: TestDatabase;
let owner: Client;
beforeAll(async () => {
  database = await createTestDatabase();
  owner = new Client({ connectionString: database.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

it('tells of what changes from the moment that everyone looks again, at the start and after each loss', async (t) => {
  // One connection: what is asked for first comes first, so a change that is recorded at `null` precedes all that follows it.
  const db = connectDatabase(database.urlFor('siteplan_worker'), 'siteplan_worker', { maxConnections: 1 });
  const heard = new Set<string>();
  let looks = 0;
  const recorded: Promise<void>[] = [];
  const log = createLogger('test', new PassThrough().resume());
  const stop = followTrust({ db, log }, (change) => {
    if (change) heard.add(change.key);
    else {
      looks += 1;
      recorded.push(recordChange(db.pool, 'host-key', `site-${looks}`));
    }
  });
  t.onTestFinished(async () => {
    stop();
    await Promise.allSettled(recorded);
    await stopListening(db);
    await db.close();
  });
  await waitFor(() => heard.has('site-1'), { what: 'the change at the start to be heard' });
  await owner.query('REVOKE SELECT ON change FROM siteplan_worker');
  await waitFor(() => looks >= 2, { what: 'the loss to be noticed' });
  await owner.query('GRANT SELECT ON change TO siteplan_worker');
  await waitFor(() => heard.has(`site-${looks}`), { what: 'the change after the loss to be heard' });
});
