import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type NetConnectOpts, type Socket } from 'node:net';

type Mode = 'pass' | 'black-hole' | 'refuse';

/** A TCP port in front of a server, whose connections fail in the ways networks do. */
export interface Wire {
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: () => number;
  /** Bytes that came from the server so far, over all connections. */
  readonly bytesDown: () => number;
  /** Bytes that one connection has sent up at most so far. */
  readonly longestBytesUp: () => number;
  /** Calls `listener` once, before the chunk is passed on with which a connection has sent more than `bytesUp`. */
  readonly onceBytesUp: (bytesUp: number, listener: () => void) => void;
  /** Open and new connections stay open and carry nothing more until `heal`; the open ones never again. */
  readonly blackHole: () => void;
  /** The open connections that have sent `text` carry nothing more; all of them without it. Returns how many. */
  readonly freeze: (text?: string) => number;
  /** What the server says is held back from the open connections for good; what they say still gets through. */
  readonly holdAnswers: () => void;
  /** New connections are closed at once with RST. */
  readonly refuse: () => void;
  /** Every open connection ends with RST. */
  readonly reset: () => void;
  /** FIN to the client of every open connection; its own bytes are still taken. */
  readonly halfClose: () => void;
  /**
   * Each chunk arrives `delayMs` later, and the share `stalled` of them 200 ms later still. TCP loses no bytes: what
   * a lossy network does to it is that a segment comes late and everything behind it waits, so this is how a loss of
   * that share of the packets is modelled.
   */
  readonly slow: (options: { readonly delayMs?: number; readonly stalled?: number }) => void;
  /** New connections work again, at full speed; the server hears the end of those that were dead, the client does not. */
  readonly heal: () => void;
  readonly stop: () => Promise<void>;
}

const STALL_MS = 200;
const REMEMBERED = 64 * 1024;

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  isFrozen: boolean;
  isHeld: boolean;
  bytesUp: number;
  said: string;
}

interface State {
  mode: Mode;
  delayMs: number;
  stalled: number;
  bytesDown: number;
  longestUp: number;
  trap: { readonly bytesUp: number; readonly listener: () => void } | null;
}

/** Passes chunks on in order, each not before its time. */
function createLane(state: State, random: () => number): (work: () => void) => void {
  let freeAt = 0;
  const waiting: (() => void)[] = [];
  return (work) => {
    const now = performance.now();
    const stallMs = random() < state.stalled ? STALL_MS : 0;
    const at = Math.max(freeAt, now + state.delayMs + stallMs);
    if (at <= now && waiting.length === 0) {
      work();
      return;
    }
    freeAt = at;
    waiting.push(work);
    // Timers of one length class may fire out of order, so each takes the oldest.
    setTimeout(() => waiting.shift()?.(), at - now);
  };
}

function noteUp(state: State, pair: Pair, chunk: Buffer): void {
  pair.bytesUp += chunk.length;
  if (pair.said.length < REMEMBERED) pair.said += chunk.toString('latin1');
  if (state.trap && pair.bytesUp > state.trap.bytesUp) {
    const { listener } = state.trap;
    state.trap = null;
    listener();
  }
  state.longestUp = Math.max(state.longestUp, pair.bytesUp);
}

function forward(state: State, pair: Pair, isUp: boolean, random: () => number): void {
  const [from, to] = isUp ? [pair.client, pair.server] : [pair.server, pair.client];
  const lane = createLane(state, random);
  const isShut = () => pair.isFrozen || (!isUp && pair.isHeld);
  from.on('data', (chunk: Buffer) => {
    if (isUp) noteUp(state, pair, chunk);
    else state.bytesDown += chunk.length;
    if (isShut()) return;
    lane(() => {
      if (isShut() || to.destroyed || to.write(chunk)) return;
      from.pause();
      to.once('drain', () => from.resume());
    });
  });
  from.on('error', () => undefined);
  from.on('end', () => {
    if (!isShut()) lane(() => to.end());
  });
  from.on('close', () => {
    if (!isShut()) lane(() => to.destroy());
  });
}

/** Starts a wire to a TCP port or a Unix socket. `random` decides which chunks stall. */
export async function startWire(target: NetConnectOpts, random: () => number = Math.random): Promise<Wire> {
  const pairs = new Set<Pair>();
  const state: State = { mode: 'pass', delayMs: 0, stalled: 0, bytesDown: 0, longestUp: 0, trap: null };
  const listener = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    if (state.mode === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ ...target, noDelay: true, allowHalfOpen: true });
    const isFrozen = state.mode === 'black-hole';
    const pair: Pair = { client, server, isFrozen, isHeld: false, bytesUp: 0, said: '' };
    pairs.add(pair);
    client.once('close', () => {
      pairs.delete(pair);
      // A frozen pair passes nothing on, but its server need not outlive the client here.
      if (pair.isFrozen) server.destroy();
    });
    forward(state, pair, true, random);
    forward(state, pair, false, random);
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port, // a TCP server has one
    connections: () => pairs.size,
    bytesDown: () => state.bytesDown,
    longestBytesUp: () => state.longestUp,
    ...toFailures(state, pairs),
    stop: async () => {
      for (const { client, server } of pairs) {
        client.destroy();
        server.destroy();
      }
      listener.close();
      await once(listener, 'close');
    },
  };
}

type Failures = Omit<Wire, 'port' | 'connections' | 'bytesDown' | 'longestBytesUp' | 'stop'>;

function toFailures(state: State, pairs: ReadonlySet<Pair>): Failures {
  const freeze = (text?: string) => {
    const chosen = [...pairs].filter(({ said }) => text === undefined || said.includes(text));
    for (const pair of chosen) pair.isFrozen = true;
    return chosen.length;
  };
  return {
    freeze,
    onceBytesUp: (bytesUp, trapped) => {
      state.trap = { bytesUp, listener: trapped };
    },
    blackHole: () => {
      state.mode = 'black-hole';
      freeze();
    },
    holdAnswers: () => {
      for (const pair of pairs) pair.isHeld = true;
    },
    refuse: () => {
      state.mode = 'refuse';
    },
    reset: () => {
      for (const { client, server } of pairs) {
        client.resetAndDestroy();
        server.resetAndDestroy();
      }
    },
    halfClose: () => {
      for (const { client } of pairs) client.end();
    },
    slow: ({ delayMs = 0, stalled = 0 }) => {
      Object.assign(state, { delayMs, stalled });
    },
    heal: () => {
      for (const { server, isFrozen } of pairs) if (isFrozen) server.destroy();
      Object.assign(state, { mode: 'pass', delayMs: 0, stalled: 0 });
    },
  };
}
