import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import next from 'next';
import { IP_HEADER, PATH_HEADER, REQUEST_ID_HEADER } from '@/lib/auth/create-auth';
import type { Env } from '@/lib/env/env';
import { env } from '@/lib/env/env';
import { setActionKey } from '@/lib/env/action-key';
import { beginShutdown, finishShutdown } from '@/lib/env/shutdown';
import type { Logger } from '@/lib/log/logger';
import { createLogger } from '@/lib/log/logger';
import { loadSymmetricKey } from '@/lib/secrets/keys';
import { findRefusal, type Refusal } from './web-gate';
import {
  createNonce,
  stripHeaders,
  toClientIp,
  toContentSecurityPolicy,
  toSecurityHeaders,
} from './web-headers';

/*
 * The web process: our server in front, Next behind it.
 *
 *   request ─▶ gate (refuses tricks) ─▶ headers (strip, ip, request id, nonce) ─▶ Next ─▶ log line
 *
 * Nothing is authorised here: pages, actions and routes do that themselves.
 */

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** How long open requests may take to end once a stop was asked for. */
const DRAIN_MS = 10_000;

export interface WebServer {
  readonly port: number;
  /** First gear: streams end, no new connections, open requests finish; then everything is closed. */
  readonly close: () => Promise<void>;
}

/** A line of text; below `/api/` the same as problem details (RFC 9457), as every other error there. */
function refuse(
  response: ServerResponse,
  { status, line }: Refusal,
  request: { readonly url: string; readonly requestId: string },
): void {
  const isApi = request.url.startsWith('/api/');
  response.writeHead(status, {
    'content-type': isApi ? 'application/problem+json' : 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    connection: 'close',
  });
  if (!isApi) return void response.end(`${line}\n`);
  const code = status === 404 ? 'not-found' : status < 500 ? 'invalid' : 'internal';
  const { requestId } = request;
  const problem = {
    type: `urn:siteplan:problem:${code}`,
    title: code,
    status,
    detail: line,
    code,
    requestId,
  };
  response.end(JSON.stringify(problem));
}

/** The address as it may be logged: one-time tokens stand in queries and in the paths of shares. */
function toLoggedPath(target: string): string {
  const path = target.split(/[?#]/, 1)[0] ?? '/';
  return path.replace(/^\/s\/[^/]+/, '/s/…');
}

function prepare(request: IncomingMessage, settings: Env): { requestId: string; policy: string } {
  const { headers } = request;
  const forwardedFor = settings.trustProxy ? String(headers['x-forwarded-for'] ?? '') : undefined;
  const ip = toClientIp(request.socket.remoteAddress, forwardedFor);
  stripHeaders(headers, settings.isDevelopment);
  const requestId = randomBytes(9).toString('base64url');
  const isHttps = settings.publicUrl.startsWith('https:');
  const policy = toContentSecurityPolicy(createNonce(), { isHttps, isDevelopment: settings.isDevelopment });
  // Next reads the nonce from the request's own policy header and puts it on its scripts.
  headers['content-security-policy'] = policy;
  headers[REQUEST_ID_HEADER] = requestId;
  headers[IP_HEADER] = ip;
  headers[PATH_HEADER] = request.url ?? '/';
  headers['x-forwarded-proto'] = isHttps ? 'https' : 'http';
  return { requestId, policy };
}

function toListener(handler: Handler, settings: Env, log: Logger): RequestListener {
  const isHttps = settings.publicUrl.startsWith('https:');
  return (request, response) => {
    const started = performance.now();
    const { requestId, policy } = prepare(request, settings);
    for (const [name, value] of Object.entries(toSecurityHeaders(policy, isHttps)))
      response.setHeader(name, value);
    response.setHeader(REQUEST_ID_HEADER, requestId);
    const { method = '', url = '' } = request;
    response.once('close', () => {
      const durationMs = Math.round(performance.now() - started);
      log.debug(
        { requestId, method, path: toLoggedPath(url), status: response.statusCode, durationMs },
        'request',
      );
    });
    const refusal = findRefusal(
      {
        method,
        target: url,
        host: request.headers.host,
        contentLength: request.headers['content-length'],
      },
      settings.publicUrl,
    );
    if (refusal) return refuse(response, refusal, { url, requestId });
    handler(request, response).catch((error: unknown) => {
      log.error({ err: error, requestId }, 'request failed');
      const line = 'the server could not finish this';
      if (!response.headersSent) refuse(response, { status: 500, line }, { url, requestId });
      else response.destroy();
    });
  };
}

async function createHttpServer(settings: Env): Promise<Server> {
  const options = {
    headersTimeout: 20_000,
    requestTimeout: 120_000,
    maxHeaderSize: 32_768,
    keepAliveTimeout: 65_000,
  };
  if (!settings.tls) return createServer(options);
  const [cert, key] = await Promise.all([readFile(settings.tls.certPath), readFile(settings.tls.keyPath)]);
  return createTlsServer({ ...options, cert, key, minVersion: 'TLSv1.2' });
}

/** Development's own socket is let through to Next; every other upgrade is cut off. */
function refuseUpgrades(server: Server, settings: Env): void {
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    if (settings.isDevelopment && request.url?.startsWith('/_next/')) return;
    socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  });
}

async function listen(server: Server, settings: Env): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: settings.port, host: settings.host }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  return typeof address === 'object' && address ? address.port : settings.port;
}

async function drain(server: Server): Promise<void> {
  beginShutdown();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(late);
}

/** Starts the server in front of `handler`; `startWeb` gives it Next, tests give it something smaller. */
export async function startServer(
  handler: Handler,
  settings: Env,
  log: Logger,
  server?: Server,
): Promise<WebServer> {
  const front = server ?? (await createHttpServer(settings));
  front.on('request', toListener(handler, settings, log));
  refuseUpgrades(front, settings);
  const port = await listen(front, settings);
  return { port, close: () => drain(front) };
}

/** Starts the web process of this environment: Next with `dir` as its project (the folder with `app`). */
export async function startWeb(dir = process.cwd()): Promise<WebServer> {
  const settings = env();
  const log = createLogger('web');
  setActionKey(await loadSymmetricKey(settings.keysDir, 'action'));
  const server = await createHttpServer(settings);
  // Without a server of its own to hook into, Next can't answer upgrades; only development needs one.
  const upgrades = settings.isDevelopment ? server : (new EventEmitter() as Server); // only `on` is ever called
  const app = next({
    dev: settings.isDevelopment,
    dir,
    hostname: settings.host,
    port: settings.port,
    httpServer: upgrades,
    quiet: true,
  });
  await app.prepare();
  const handle = app.getRequestHandler();
  const web = await startServer((request, response) => handle(request, response), settings, log, server);
  log.info({ port: web.port, host: settings.host, publicUrl: settings.publicUrl }, 'web listens');
  return {
    port: web.port,
    close: async () => {
      await web.close();
      await app.close();
      await finishShutdown();
    },
  };
}
