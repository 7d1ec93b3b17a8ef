import { timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Layout } from './layout';
import { toMessage } from './log';

/** What the supervisor needs to know of the server it is part of, asked anew for each request. */
export interface SupervisorState {
  /** Passwords by user; null until the server has settled its tokens. */
  passwords: { server: string; node: string } | null;
  isReady: () => Promise<boolean>;
}

/**
 * Port 9345: where nodes join. `/ping` and `/cacerts` are open, everything else needs the server's or the agents'
 * token as HTTP basic authentication (facts 8). It listens early in a start, as the real one does (facts 3.1).
 * Rejects with the bind error when the port is taken.
 */
export function startSupervisor(layout: Layout, bindAddress: string, state: SupervisorState): Promise<void> {
  const base = join(layout.tls, 'serving-supervisor');
  const tls = { cert: readFileSync(`${base}.crt`), key: readFileSync(`${base}.key`) };
  const server = createServer(tls, (request, response) => {
    respond(layout, state, request, response).catch((error: unknown) =>
      response.writeHead(500).end(toMessage(error)),
    );
  });
  return new Promise((resolve, reject) => {
    server.on('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(new Error(taken ? 'listen tcp :9345: bind: address already in use' : error.message));
    });
    server.listen(9345, bindAddress, () => resolve());
  });
}

async function respond(
  layout: Layout,
  state: SupervisorState,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = new URL(request.url ?? '/', 'https://supervisor').pathname;
  if (path === '/ping') return void response.writeHead(200, { 'content-type': 'text/plain' }).end('pong');
  if (path === '/cacerts') {
    const bundle = readFileSync(join(layout.tls, 'server-ca.crt'));
    return void response.writeHead(200, { 'content-type': 'text/plain' }).end(bundle);
  }
  const user = findUser(request, state);
  if (user === null) return void sendStatus(response, 401, 'Unauthorized');
  if (path === '/v1-rke2/readyz') {
    const isReady = await state.isReady();
    return void response
      .writeHead(isReady ? 200 : 503, { 'content-type': 'text/plain' })
      .end(isReady ? 'ok' : 'not ready');
  }
  if (path.startsWith('/v1-rke2/server-') && user !== 'server')
    return void sendStatus(response, 403, 'Forbidden');
  sendStatus(response, 404, 'NotFound');
}

function findUser(request: IncomingMessage, state: SupervisorState): 'server' | 'node' | null {
  const [, encoded = ''] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? [];
  const [user = '', password = ''] = Buffer.from(encoded, 'base64').toString().split(/:(.*)/s);
  if ((user !== 'server' && user !== 'node') || state.passwords === null) return null;
  const [given, wanted] = [Buffer.from(password), Buffer.from(state.passwords[user])];
  return given.length === wanted.length && timingSafeEqual(given, wanted) ? user : null;
}

function sendStatus(response: ServerResponse, code: number, reason: string): void {
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: reason,
    reason,
    code,
  };
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(status));
}
