import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findFreePort } from '@/lib/testing/find-free-port';
import { findShells, runStepPart } from '@/lib/testing/run-step';
import { waitFor } from '@/lib/testing/wait-for';
import { clusterVerify } from './cluster-verify';

const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so';
const lacks = ['nginx', 'openssl', 'curl', 'wget'].filter(
  (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error !== undefined,
);

// nginx, TLS, curl and wget are real; kubectl says that all is well.
describe.skipIf(lacks.length > 0)('the health check through the load balancer', () => {
  let root = '';
  let api = 0;
  let front = '';
  let nginx: ChildProcess;
  const servers: Server[] = [];
  const put = (path: string, content: string, mode = 0o600) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content, { mode });
  };
  const get = (path: string) => readFileSync(join(root, path), 'utf8');
  const serve = async (server: Server, port = api) => {
    servers.push(server);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const makeCertificate = (name: string) => {
    const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const files = ['-keyout', join(root, `${name}.key`), '-out', join(root, `${name}.crt`)];
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
    expect(spawnSync('openssl', [...args, ...files, ...subject, '-days', '2']).status).toBe(0);
  };
  /** An API server: 401 for a stranger, or another code. */
  const serveApi = (code = 401, certificate = 'cluster') =>
    serve(
      createTlsServer(
        { cert: get(`${certificate}.crt`), key: get(`${certificate}.key`) },
        (request, response) => {
          const isStranger = request.headers.authorization === undefined && request.url === '/healthz';
          response.writeHead(isStranger ? code : 500).end();
        },
      ),
    );

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'siteplan-alive-'));
    makeCertificate('cluster');
    makeCertificate('stranger');
    put('var/lib/rancher/rke2/server/tls/server-ca.crt', get('cluster.crt'));
    put('etc/rancher/rke2/rke2.yaml', 'x');
    put(
      'var/lib/rancher/rke2/bin/kubectl',
      `#!/bin/sh
case "$*" in
*' get nodes '*) echo 's1 Ready=True ' ;;
*' get leases '*) echo "s1 $(date -u +%Y-%m-%dT%H:%M:%S).000000Z" ;;
*--raw=/readyz) printf ok ;;
esac
`,
      0o755,
    );
    api = await findFreePort();
    const port = await findFreePort();
    front = `https://127.0.0.1:${port}`;
    const load = spawnSync('test', ['-f', STREAM_MODULE]).status === 0 ? `load_module ${STREAM_MODULE};` : '';
    put(
      'nginx.conf',
      `${load} daemon off; master_process off; pid ${root}/nginx.pid; error_log ${root}/error.log;
events {} stream { server { listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${api}; proxy_connect_timeout 2s; } }\n`,
    );
    nginx = spawn('nginx', ['-c', join(root, 'nginx.conf'), '-e', join(root, 'error.log')], {
      stdio: 'ignore',
    });
    const isUp = async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect').finally(() => socket.destroy());
      return true;
    };
    await waitFor(isUp, { what: 'nginx to listen' });
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  });
  afterAll(() => {
    nginx.kill('SIGKILL');
    rmSync(root, { recursive: true, force: true });
  });

  const DOWN = (url: string) => `no API server of this cluster answers /healthz at ${url} after`;
  const verify = (url: string, tool: string) => {
    rmSync(join(root, 'usr'), { recursive: true, force: true });
    put(`usr/bin/${tool}`, `#!/bin/sh\nPATH=\${PATH#*:} exec ${tool} "$@"\n`, 0o755);
    return runStepPart(clusterVerify, 'act', {
      shell: findShells()[0] ?? ['sh'],
      root,
      params: { nodes: [{ name: 's1', role: 'server' }], apiUrl: url, stamp: 'abc' },
      overrides: { wait_s: '0' },
    });
  };

  describe.each(['curl', 'wget'])('by %s', (tool) => {
    it.each([401, 200])('counts %i as alive', async (code) => {
      await serveApi(code);
      expect(await verify(front, tool)).toMatchObject({ code: 0, stderr: '' });
    });

    it.each([403, 500, 503])('does not count %i', async (code) => {
      await serveApi(code);
      expect((await verify(front, tool)).stderr).toContain(DOWN(front));
    });

    it('does not count nginx without a live backend', async () => {
      expect((await verify(front, tool)).stderr).toContain(DOWN(front));
    });

    it('does not count what takes connections and says nothing, or speaks no TLS', async () => {
      for (const words of ['', 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n']) {
        const held = createServer((socket) => {
          socket.on('error', () => undefined).on('end', () => socket.end());
          socket.write(words);
          // The dial gives up by itself; a silent one is ended with the connection.
          socket.resume();
        });
        await serve(held);
        const { port } = held.address() as AddressInfo; // it listens on TCP
        const direct = `https://127.0.0.1:${port}`;
        expect((await verify(words === '' ? direct : front, tool)).stderr).toContain(
          DOWN(words === '' ? direct : front),
        );
        await new Promise((resolve) => servers.splice(0).forEach((server) => server.close(resolve)));
      }
    });

    it('does not count the API server of another cluster', async () => {
      await serveApi(401, 'stranger');
      expect((await verify(front, tool)).stderr).toContain(DOWN(front));
    });
  });
});
