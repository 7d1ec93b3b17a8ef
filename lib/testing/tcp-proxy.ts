import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: () => number;
  /** Bytes passed to the target so far, over all connections. */
  readonly bytesUp: () => number;
  /** Added to each chunk in both directions, milliseconds. */
  readonly setDelayMs: (delayMs: number) => void;
  /** Existing and new connections stay open and carry nothing more, until `heal`. */
  readonly blackHole: () => void;
  /** Only the connections that exist now carry nothing more; new ones work. */
  readonly freezeConnections: () => void;
  /** New connections work again; those that were in the black hole stay dead. */
  readonly heal: () => void;
  /** New connections are closed at once with RST. */
  readonly refuse: () => void;
  /** Ends every open connection with RST. */
  readonly resetAll: () => void;
  /** Sends FIN to the client of every open connection; its own bytes are still taken. */
  readonly halfCloseAll: () => void;
  readonly stop: () => Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
  isFrozen: boolean;
}

interface ProxyState {
  mode: 'pass' | 'black-hole' | 'refuse';
  delayMs: number;
  bytesUp: number;
}

function forward(state: ProxyState, pair: Pair, from: Socket, to: Socket): void {
  from.on('data', (chunk) => {
    if (pair.isFrozen) return;
    if (from === pair.client) state.bytesUp += chunk.length;
    const send = () => {
      if (pair.isFrozen || to.destroyed || to.write(chunk)) return;
      from.pause();
      to.once('drain', () => from.resume());
    };
    if (state.delayMs > 0) setTimeout(send, state.delayMs);
    else send();
  });
  from.on('end', () => {
    if (!pair.isFrozen) setTimeout(() => to.end(), state.delayMs);
  });
  from.on('error', () => undefined);
  from.on('close', () => {
    if (!pair.isFrozen) setTimeout(() => to.destroy(), state.delayMs);
  });
}

/** A TCP proxy on loopback that fails in the ways networks do. */
export async function startTcpProxy(target: { address: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  const state: ProxyState = { mode: 'pass', delayMs: 0, bytesUp: 0 };

  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    if (state.mode === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ host: target.address, port: target.port, noDelay: true, allowHalfOpen: true });
    const pair: Pair = { client, upstream, isFrozen: state.mode === 'black-hole' };
    pairs.add(pair);
    client.once('close', () => pairs.delete(pair));
    forward(state, pair, client, upstream);
    forward(state, pair, upstream, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const freezeConnections = () => {
    for (const pair of pairs) pair.isFrozen = true;
  };
  return {
    port: (server.address() as AddressInfo).port, // a TCP server has one
    connections: () => pairs.size,
    bytesUp: () => state.bytesUp,
    setDelayMs: (delayMs) => {
      state.delayMs = delayMs;
    },
    blackHole: () => {
      state.mode = 'black-hole';
      freezeConnections();
    },
    freezeConnections,
    heal: () => {
      state.mode = 'pass';
    },
    refuse: () => {
      state.mode = 'refuse';
    },
    resetAll: () => {
      for (const { client, upstream } of pairs) {
        client.resetAndDestroy();
        upstream.resetAndDestroy();
      }
    },
    halfCloseAll: () => {
      for (const { client } of pairs) client.end();
    },
    stop: async () => {
      for (const { client, upstream } of pairs) {
        client.destroy();
        upstream.destroy();
      }
      server.close();
      await once(server, 'close');
    },
  };
}
