import { request } from 'node:http';
import { connect } from 'node:net';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEnv } from '@/lib/env/env';
import { shutdownSignal } from '@/lib/env/shutdown';
import type { WebServer } from './web';
import { startServer } from './web';

/* Our server in front of a small handler that answers with what Next would see. */

let server: WebServer;
const settings = readEnv({ PORT: '0', SITEPLAN_PUBLIC_URL: 'http://127.0.0.1' }, { isRoot: false, cwd: '/' });
beforeAll(async () => {
  const log = pino({ level: 'silent' });
  server = await startServer(
    (incoming, response) => {
      if (incoming.url === '/throws') return Promise.reject(new Error('canary'));
      if (incoming.url === '/stream') {
        response.write('event: hello\n\n');
        shutdownSignal().addEventListener('abort', () => response.end('event: end\n\n'), { once: true });
        return Promise.resolve();
      }
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(incoming.headers));
      return Promise.resolve();
    },
    settings,
    log,
  );
});
afterAll(() => server.close());

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

function ask(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', port: server.port, path, headers, agent: false },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
      },
    );
    call.on('error', reject).end();
  });
}

function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket
      .on('data', (data) => (answer += data.toString()))
      .on('error', reject)
      .on('close', () => resolve(answer));
  });
}

describe('the server in front of Next', () => {
  it('gives Next the nonce of the response, and never the same twice', async () => {
    const [a, b] = [await ask('/'), await ask('/')];
    const seen = JSON.parse(a.body) as Record<string, string>;
    expect(seen['content-security-policy']).toBe(a.headers['content-security-policy']);
    expect(a.headers['content-security-policy']).not.toBe(b.headers['content-security-policy']);
    expect(a.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
    });
    expect(a.headers['strict-transport-security']).toBeUndefined();
  });

  it('lets nobody choose nonce, address, request id or path', async () => {
    const { body } = await ask('/sites?x=1', {
      'content-security-policy': "script-src 'nonce-evil'",
      'x-middleware-subrequest': 'middleware:middleware',
      'x-siteplan-ip': '6.6.6.6',
      'x-forwarded-for': '6.6.6.6',
      'x-request-id': 'evil',
      'x-siteplan-path': '/evil',
    });
    expect(body).not.toMatch(/evil|6\.6\.6\.6|middleware/);
    const seen = JSON.parse(body) as Record<string, string>;
    expect(seen).toMatchObject({ 'x-siteplan-ip': '127.0.0.1', 'x-siteplan-path': '/sites?x=1' });
    expect(seen['x-request-id']).toMatch(/^[A-Za-z0-9_-]{12}$/);
  });

  it('turns tricks away before the handler sees them', async () => {
    expect(
      await raw('GET http://127.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'),
    ).toMatch(/^HTTP\/1.1 400/);
    expect((await ask('//evil.example.net')).status).toBe(400);
    expect((await ask('/_next/image?url=x')).status).toBe(404);
    expect((await ask('/', { host: 'evil.example.net' })).status).toBe(421);
    const upgrade = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    expect(await raw(upgrade)).toMatch(/^HTTP\/1.1 400/);
  });

  it('refuses addresses of the API with problem details, malformed escapes among them', async () => {
    const answer = await ask('/api/v1/sites/%zz');
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(answer.body)).toMatchObject({ status: 400, code: 'invalid', detail: 'bad address' });
    expect((await ask('/sites/%zz')).headers['content-type']).toBe('text/plain; charset=utf-8');
  });

  it('answers a failing handler with a sentence, not with its error', async () => {
    const answer = await ask('/throws');
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain('canary');
  });

  it('ends streams first when it is told to stop, then everything', async () => {
    const stream = ask('/stream');
    await ask('/');
    await server.close();
    expect((await stream).body).toContain('event: end');
    await expect(ask('/')).rejects.toThrow(/ECONNREFUSED/);
  });
});
