import { createApiToken } from '@/lib/services/api-tokens/create-api-token';
import { createCliRig, type CliRig } from './cli-rig';
import { serveRoutes, type RouteServer, type ServedRoute } from './serve-routes';
import { createTestDatabase, type TestDatabase } from './test-database';
import { waitFor } from './wait-for';
import { createWebFixture } from './web-fixture';

export interface RemoteRig {
  readonly database: TestDatabase;
  readonly server: RouteServer;
  readonly cli: CliRig;
  /** What a worker does with the next job of a kind: ends it as said. */
  readonly endJob: (kind: string, end: (params: Record<string, string>) => object) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/**
 * The real command line against the real handlers behind a real HTTP server, with a database of its own. Tokens of an
 * administrator and a viewer are in the files `token` and `viewer`.
 */
export async function createRemoteRig(routes: readonly ServedRoute[]): Promise<RemoteRig> {
  const database = await createTestDatabase();
  const web = createWebFixture(database);
  (globalThis as Record<symbol, unknown>)[Symbol.for('siteplan.web-runtime')] = Promise.resolve(web.runtime); // as the server does
  const server = await serveRoutes(routes);
  const cli = await createCliRig({ SITEPLAN_PUBLIC_URL: server.url });
  for (const [file, role] of [
    ['token', 'admin'],
    ['viewer', 'viewer'],
  ] as const) {
    const person = await web.createPerson([{ siteId: null, role }]);
    const { token } = await createApiToken(person, { name: 'cli', role: 'admin', days: 1 });
    await cli.file(file, `${token}\n`);
  }
  return {
    database,
    server,
    cli,
    endJob: async (kind, end) => {
      const find = () => database.worker.prisma.job.findFirst({ where: { kind, state: 'queued' } });
      const job = await waitFor(find, { what: `a ${kind} job`, timeoutMs: 60_000 });
      const data = end(job.params as Record<string, string>); // JobParams
      await database.worker.prisma.job.update({
        where: { id: job.id },
        data: { finishedAt: new Date(), ...data },
      });
    },
    stop: async () => {
      await server.stop();
      await cli.stop();
      await database.drop();
    },
  };
}
