import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';

type Params = Readonly<Record<string, string>>;

/** A route handler as Next calls it, with the method and path that it is for: `GET /api/v1/sites/[siteId]`. */
export interface ServedRoute {
  readonly entry: string;
  (request: Request, context: { params: Promise<Params | undefined> }): Promise<Response>;
}

export interface RouteServer {
  readonly url: string;
  /** Cuts every connection that is open now. */
  readonly cut: () => void;
  readonly stop: () => Promise<void>;
}

function match(route: ServedRoute, method: string, path: string): Params | null {
  const [wanted, pattern = ''] = route.entry.split(' ');
  if (wanted !== method) return null;
  const [own, given] = [pattern.split('/'), path.split('/')];
  if (own.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of own.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith('[')) params[part.slice(1, -1)] = decodeURIComponent(value);
    else if (part !== value) return null;
  }
  return params;
}

async function answer(
  routes: readonly ServedRoute[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = 'GET' } = request;
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  for (const route of routes) {
    const params = match(route, method, url.pathname);
    if (!params) continue;
    const leave = new AbortController();
    response.once('close', () => leave.abort());
    const headers = new Headers(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)] as [string, string]),
    );
    const body = method === 'GET' ? {} : { body: Readable.toWeb(request) as ReadableStream, duplex: 'half' }; // Node's own two types of one thing
    const made = new Request(url, { method, headers, signal: leave.signal, ...body });
    const found = await route(made, { params: Promise.resolve(params) });
    response.writeHead(found.status, Object.fromEntries(found.headers));
    if (!found.body) return void response.end();
    for await (const chunk of found.body as unknown as AsyncIterable<Uint8Array>) response.write(chunk); // DOM typings lag
    return void response.end();
  }
  response.writeHead(404).end('nothing here');
}

/** The handlers of routes behind a real HTTP server of loopback, without the pages around them. */
export async function serveRoutes(routes: readonly ServedRoute[]): Promise<RouteServer> {
  const server = createServer((request, response) => {
    answer(routes, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (!address || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut: () => server.closeAllConnections(),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
