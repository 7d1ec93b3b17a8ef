import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import { connectDatabase, type Database } from './connect';
import { stopListening, waitForNudge } from './listen';

/* A PostgreSQL that refuses LISTEN for a while, as one in recovery does; everything else goes through to the real one. */

const REFUSAL = Buffer.concat([
  toMessage('E', 'SERROR\0C25006\0Mcannot execute LISTEN\0\0'),
  toMessage('Z', 'I'),
]);

let test: TestDatabase;
let db: Database;
let server: Server;
const open = new Set<Socket>();
let isRefusing = true;
let refusals = 0;

function toMessage(type: string, body: string): Buffer {
  const message = Buffer.from(`${type}0000${body}`, 'latin1');
  message.writeInt32BE(message.length - 1, 1);
  return message;
}

beforeAll(async () => {
  test = await createTestDatabase();
  const url = new URL(test.urlFor('siteplan_worker'));
  const socketDir = url.searchParams.get('host') ?? '';
  server = createServer((client) => {
    open.add(client);
    const upstream = connect(`${socketDir}/.s.PGSQL.5432`);
    client.on('data', (data) => {
      if (!isRefusing || !data.includes('LISTEN "')) return void upstream.write(data);
      refusals += 1;
      client.write(REFUSAL);
    });
    upstream.pipe(client);
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    client.on('close', () => {
      open.delete(client);
      upstream.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url.searchParams.delete('host');
  url.host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  db = connectDatabase(url.toString(), 'siteplan_worker', { maxConnections: 1 });
});
afterAll(async () => {
  await stopListening(db);
  await db.close();
  await new Promise((resolve) => server.close(resolve));
  await test.drop();
});

it('leaves no connection behind when LISTEN is refused, and listens once it is not', async () => {
  for (let round = 1; round <= 3; round += 1) {
    const leave = new AbortController();
    const nudge = waitForNudge(db, 'siteplan_test', { timeoutMs: 60_000, signal: leave.signal });
    await waitFor(() => refusals >= round, { what: 'a refusal' });
    await waitFor(() => open.size === 0, { what: 'its connection to end' });
    leave.abort();
    expect(await nudge).toBeNull();
  }
  isRefusing = false;
  const nudge = waitForNudge(db, 'siteplan_test', { timeoutMs: 60_000 });
  const notify = () => test.worker.pool.query(`SELECT pg_notify('siteplan_test', 'hello')::text`);
  const heard = await waitFor(
    async () => {
      await notify();
      return Promise.race([nudge, Promise.resolve(null)]);
    },
    { what: 'the nudge' },
  );
  expect(heard).toBe('hello');
});
