import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { dirname } from 'node:path';
import { log } from './log';

const connectLimitMs = 2_000;

/**
 * The local load balancer of an agent (facts 3.1): takes connections on loopback and passes them to the first server
 * that answers. The addresses are kept in a file, so that an agent finds the servers again when the address it once
 * joined through is gone. A server that refuses, or takes a connection and says nothing, goes to the end of the list.
 */
export class LoadBalancer {
  private addresses: string[];

  /** `first` is the `HOST:PORT` that the agent was configured with; it stays as the last resort. */
  constructor(
    private readonly path: string,
    private readonly first: string,
  ) {
    this.addresses = [...new Set([...readStored(path), first])];
  }

  /** Rejects when the port is taken. */
  listen(port: number): Promise<Server> {
    const server = createServer((client) => void this.serve(client));
    return new Promise((resolve, reject) => {
      server.on('error', reject);
      server.listen(port, '127.0.0.1', () => {
        log.info(`Running load balancer 127.0.0.1:${port} -> [${this.addresses.join(' ')}]`);
        resolve(server);
      });
    });
  }

  /** Takes the cluster's servers as they are now; an empty list changes nothing. */
  setServers(addresses: readonly string[]): void {
    const known = [...addresses].sort();
    if (known.length === 0 || readStored(this.path).join() === known.join()) return;
    const kept = this.addresses.filter((address) => known.includes(address));
    this.addresses = [...new Set([...kept, ...known, this.first])];
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    const text = JSON.stringify({ ServerURL: `https://${this.first}`, ServerAddresses: known }, null, 2);
    writeFileSync(`${this.path}.part`, text, { mode: 0o600 });
    renameSync(`${this.path}.part`, this.path);
    log.info(`Updated load balancer server addresses -> [${known.join(' ')}]`);
  }

  private async serve(client: Socket): Promise<void> {
    client.on('error', () => client.destroy());
    client.pause();
    for (const address of [...this.addresses]) {
      const server = await open(address);
      if (server === null) {
        this.demote(address);
        continue;
      }
      let hasAnswered = false;
      server.once('data', () => {
        hasAnswered = true;
      });
      server.on('error', () => client.destroy());
      server.on('close', () => client.destroy());
      client.on('close', () => {
        if (!hasAnswered) this.demote(address);
        server.destroy();
      });
      if (client.destroyed) return void server.destroy();
      client.pipe(server);
      server.pipe(client);
      return;
    }
    client.destroy();
  }

  private demote(address: string): void {
    this.addresses = [...this.addresses.filter((candidate) => candidate !== address), address];
  }
}

/** The addresses that an earlier start wrote; a file that is no such list counts as none. */
function readStored(path: string): string[] {
  if (!existsSync(path)) return [];
  try {
    const stored = JSON.parse(readFileSync(path, 'utf8')) as { ServerAddresses?: unknown };
    const { ServerAddresses: addresses } = stored;
    return Array.isArray(addresses) ? addresses.filter((item) => typeof item === 'string') : [];
  } catch {
    return [];
  }
}

function open(address: string): Promise<Socket | null> {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    const timer = setTimeout(() => socket.destroy(new Error('connect timed out')), connectLimitMs);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
    socket.once('error', () => {
      clearTimeout(timer);
      resolve(null);
    });
  });
}
