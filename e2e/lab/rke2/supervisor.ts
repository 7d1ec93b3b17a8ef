import { timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { findBootstrapToken } from './bootstrap-tokens';
import { toMessage } from './log';
import { routeSupervisor } from './supervisor-routes';
import { RouteError } from './supervisor-state';
import type { SupervisorState, SupervisorUser } from './supervisor-state';

/**
 * Port 9345: where nodes join. `/ping` and `/cacerts` are open, everything else needs the servers' or the agents'
 * token as HTTP basic authentication, or a bootstrap token (facts 3.3, 8). It listens early in a start, as the real
 * one does (facts 3.1). Rejects with the bind error when the port is taken.
 */
export function startSupervisor(state: SupervisorState): Promise<void> {
  const base = join(state.layout.tls, 'serving-supervisor');
  const tls = { cert: readFileSync(`${base}.crt`), key: readFileSync(`${base}.key`) };
  const server = createServer(tls, (request, response) => {
    respond(state, request, response).catch((error: unknown) =>
      error instanceof RouteError
        ? sendStatus(response, error.code, error.message)
        : sendStatus(response, 503, toMessage(error)),
    );
  });
  return new Promise((resolve, reject) => {
    server.on('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(new Error(taken ? 'listen tcp :9345: bind: address already in use' : error.message));
    });
    server.listen(9345, state.settings.bindAddress, () => resolve());
  });
}

async function respond(
  state: SupervisorState,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = new URL(request.url ?? '/', 'https://supervisor').pathname;
  const plain = (text: string) => void response.writeHead(200, { 'content-type': 'text/plain' }).end(text);
  if (path === '/ping') return plain('pong');
  if (path === '/cacerts') return plain(readFileSync(join(state.layout.tls, 'server-ca.crt'), 'utf8'));
  const user = await findUser(state, request);
  if (user === null) throw new RouteError(401, 'Unauthorized');
  plain(await routeSupervisor(state, { user, path, request }));
}

async function findUser(state: SupervisorState, request: IncomingMessage): Promise<SupervisorUser | null> {
  const header = request.headers.authorization ?? '';
  const [, bearer] = /^Bearer ([a-z0-9]{6}\.[a-z0-9]{16})$/.exec(header) ?? [];
  if (bearer !== undefined) return (await findBootstrapToken(state.client, bearer)) === null ? null : 'node';
  const [, encoded = ''] = /^Basic (.+)$/.exec(header) ?? [];
  const [user = '', password = ''] = Buffer.from(encoded, 'base64').toString().split(/:(.*)/s);
  const { passwords } = state;
  if (passwords === null) return null;
  const isServer = isSame(password, passwords.server);
  if (user === 'server') return isServer ? 'server' : null;
  // The servers' token lets agents in too (facts 3.3).
  return user === 'node' && (isServer || isSame(password, passwords.node)) ? 'node' : null;
}

function isSame(given: string, wanted: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(wanted)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function sendStatus(response: ServerResponse, code: number, message: string): void {
  const reasons: Record<number, string> = { 401: 'Unauthorized', 403: 'Forbidden', 404: 'NotFound' };
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: reasons[code] ?? 'ServiceUnavailable',
    code,
  };
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(status));
}
