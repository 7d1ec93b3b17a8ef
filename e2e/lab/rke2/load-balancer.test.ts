import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LoadBalancer } from './load-balancer';

describe('LoadBalancer', () => {
  let folder: string;
  let file: string;
  const open: Server[] = [];
  const portOf = (server: Server) => (server.address() as AddressInfo).port;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lb-test-'));
    file = join(folder, 'etc', 'servers.json');
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
    rmSync(folder, { recursive: true });
  });

  /** A server that greets with its name, or one that says nothing and tells of what it hears. */
  const startServer = async (name: string | (() => void)) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      if (typeof name === 'string') socket.end(name);
      else socket.on('data', name);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push(server);
    return `127.0.0.1:${portOf(server)}`;
  };
  /** An address on which nobody listens. */
  const deadAddress = async () => {
    const address = await startServer('gone');
    await new Promise((resolve) => open.pop()?.close(resolve));
    return address;
  };
  const start = async (first: string) => {
    const balancer = new LoadBalancer(file, first);
    const server = await balancer.listen(0);
    open.push(server);
    return { balancer, port: portOf(server) };
  };
  const ask = (port: number) =>
    new Promise<string>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1' });
      // A client that gives up, as those of an agent do.
      socket.setTimeout(1_000, () => socket.destroy());
      let text = '';
      socket.on('data', (chunk) => (text += String(chunk)));
      socket.on('error', () => resolve('refused'));
      socket.on('close', () => resolve(text));
    });

  it('passes a connection to the server that the agent was configured with', async () => {
    const { port } = await start(await startServer('one'));
    expect(await ask(port)).toBe('one');
  });

  it('goes on to the next server when one refuses', async () => {
    const first = await deadAddress();
    const { balancer, port } = await start(first);
    balancer.setServers([first, await startServer('two')]);
    expect(await ask(port)).toBe('two');
    expect(await ask(port)).toBe('two');
  });

  it('leaves a server alone that took a connection and said nothing until the client gave up', async () => {
    let hasHeard: () => void = () => undefined;
    const heard = new Promise<void>((resolve) => (hasHeard = resolve));
    const silent = await startServer(hasHeard);
    const { balancer, port } = await start(silent);
    balancer.setServers([silent, await startServer('two')]);
    const socket = connect({ port, host: '127.0.0.1' });
    socket.write('hello');
    await heard;
    await new Promise((resolve) => socket.once('close', resolve).destroy());
    await expect.poll(() => ask(port), { timeout: 30_000 }).toBe('two');
  });

  it('closes the connection when no server answers', async () => {
    const { port } = await start(await deadAddress());
    expect(await ask(port)).toBe('');
  });

  it('remembers the servers in a file, and finds them without the first one', async () => {
    const two = await startServer('two');
    const first = await deadAddress();
    const { balancer } = await start(first);
    balancer.setServers([two]);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      ServerURL: `https://${first}`,
      ServerAddresses: [two],
    });
    const { port } = await start(first);
    expect(await ask(port)).toBe('two');
  });

  it('keeps what it knows when told of no server, and starts from nothing when the file is broken', async () => {
    const { balancer } = await start(await startServer('one'));
    balancer.setServers(['192.0.2.1:9345']);
    balancer.setServers([]);
    expect(readFileSync(file, 'utf8')).toContain('192.0.2.1:9345');
    writeFileSync(file, '{"ServerAddresses": 7');
    const { port } = await start(await startServer('three'));
    expect(await ask(port)).toBe('three');
  });
});
