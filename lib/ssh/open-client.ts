import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import ssh2, { type Client, type ConnectConfig } from 'ssh2';
import { toAlgorithms } from './algorithms';
import { findAddressRefusal } from './address-policy';
import { toAuthHandler, type AuthRecord } from './auth-handler';
import { classifySshError, toConnectionLost, type SshErrorContext } from './classify-ssh-error';
import { HostError } from './host-error';
import { toFingerprint } from './host-key';
import { openSocket } from './open-socket';
import type { ConnectOptions, HostLogin, HostTarget } from './target';
import { watchLiveness } from './watch-liveness';

const READY_TIMEOUT_MS = 20_000;
const CLOSE_GRACE_MS = 1_000;
const KEEPALIVE = { intervalMs: 5_000, count: 2 };

export interface OpenClient {
  readonly client: Client;
  readonly context: SshErrorContext;
  /** Resolves when the connection is gone: null after `close`, else why. */
  readonly closed: Promise<HostError | null>;
  readonly close: () => void;
}

function toConfig(
  login: HostLogin,
  sock: Duplex,
  options: ConnectOptions,
  state: { record: AuthRecord; shownKey: string | null },
): ConnectConfig {
  const pinned = new Set(login.hostKey.pinned.map(({ publicKey }) => toFingerprint(publicKey)));
  return {
    sock,
    username: login.user,
    authHandler: toAuthHandler(login, state.record),
    algorithms: toAlgorithms(login.hostKey.pinned.map(({ algorithm }) => algorithm)),
    hostVerifier: (key: Buffer) => {
      state.shownKey = toFingerprint(key);
      return pinned.has(state.shownKey);
    },
    readyTimeout: options.readyTimeoutMs ?? READY_TIMEOUT_MS,
    keepaliveInterval: (options.keepalive ?? KEEPALIVE).intervalMs,
    // Pings only: what counts as lost is decided by `watchLiveness`, which also sees data that is no reply.
    keepaliveCountMax: Number.MAX_SAFE_INTEGER,
  };
}

function toHostKeyChanged(login: HostLogin, shown: string | null): HostError {
  const expected = login.hostKey.pinned.map(({ publicKey }) => toFingerprint(publicKey)).join(', ');
  const message = shown
    ? `${login.name} showed the host key ${shown}; approved is ${expected}. Nothing was sent to it.`
    : `${login.name} no longer has a host key of the approved kind (${expected}). Nothing was sent to it.`;
  return new HostError({
    code: 'host-key-changed',
    message,
    nextAction:
      'Find out why: a reinstalled host, or somebody in between. If it is right, scan and approve the new key.',
  });
}

/** Refuses, before any connection, a login that could not be safe: no approved key, an address behind a bastion. */
function checkLogin(login: HostLogin, options: ConnectOptions, isBehindBastion: boolean): void {
  if (login.hostKey.pinned.length === 0) {
    throw new HostError({
      code: 'host-key-unknown',
      message: `${login.name} has no approved host key yet.`,
      nextAction: 'Scan its key, compare the fingerprint, and approve it.',
    });
  }
  const { auth } = login;
  if (auth.kind === 'key' && ssh2.utils.parseKey(auth.privateKey, auth.passphrase) instanceof Error) {
    throw new HostError({
      code: 'credential-missing',
      message: `The private key for ${login.name} cannot be opened: its passphrase is missing or wrong, or it is no key.`,
      nextAction: 'Enter the credential again, with its passphrase.',
    });
  }
  const refusal = isBehindBastion ? findAddressRefusal(login.address, login.port, options.policy) : null;
  // A name behind a bastion is resolved there; what can be checked here is a literal address.
  if (refusal !== null && refusal !== 'no IP address') {
    throw new HostError({
      code: 'address-refused',
      message: `${login.name} is at ${login.address}, which is ${refusal}; Siteplan does not connect there.`,
      nextAction: 'Correct the address, or ask an administrator to allow this network.',
    });
  }
}

function toFailure(error: unknown, login: HostLogin, state: { record: AuthRecord; shownKey: string | null }) {
  const context: SshErrorContext = {
    ...login,
    authKind: login.auth.kind,
    offered: state.record.offered,
  };
  const isKeyRefused =
    error instanceof Error && /verification failed|no matching host key/i.test(error.message);
  if (isKeyRefused) return toHostKeyChanged(login, state.shownKey);
  if (state.record.isPasswordExpired) {
    return new HostError({
      code: 'password-expired',
      message: `${login.name} wants a new password for ${login.user} before it lets anyone in.`,
      nextAction: 'Sign in once by hand, set a new password, and enter it as credential.',
    });
  }
  return new HostError(classifySshError(error, context), { cause: error });
}

/**
 * One authenticated SSH connection over `socket`: the host key is compared before any authentication packet, pings
 * run, silence ends it. Rejects with HostError; the socket is then destroyed.
 */
async function startClient(login: HostLogin, socket: Duplex, options: ConnectOptions): Promise<OpenClient> {
  const client = new ssh2.Client();
  const state = { record: { offered: [] as readonly string[], isPasswordExpired: false }, shownKey: null };
  let isClosing = false;
  let lost: HostError | null = null;
  const context: SshErrorContext = { ...login, authKind: login.auth.kind, wasReady: true };
  client.on('change password', () => {
    state.record.isPasswordExpired = true;
    client.end();
  });
  try {
    const ready = once(client, 'ready');
    const ended = once(client, 'close').then(() =>
      Promise.reject(new Error('Connection lost before handshake')),
    );
    client.connect(toConfig(login, socket, options, state));
    await Promise.race([ready, ended]);
    ended.catch(() => undefined);
  } catch (error) {
    client.on('error', () => undefined);
    socket.destroy();
    throw toFailure(error, login, state);
  }
  client.on('error', (error) => {
    lost ??= new HostError(toConnectionLost(context), { cause: error });
  });
  const { intervalMs, count } = options.keepalive ?? KEEPALIVE;
  const stopWatching = watchLiveness(socket, intervalMs * count, () => {
    lost ??= new HostError(toConnectionLost(context), { cause: new Error('silent') });
    socket.destroy();
  });
  const closed = new Promise<HostError | null>((resolve) => {
    client.once('close', () => {
      stopWatching();
      resolve(isClosing ? null : (lost ?? new HostError(toConnectionLost(context))));
    });
  });
  return {
    client,
    context,
    closed,
    close: () => {
      isClosing = true;
      stopWatching();
      client.end();
      // The goodbye needs no answer; a peer that is gone must not keep the socket open.
      setTimeout(() => socket.destroy(), CLOSE_GRACE_MS).unref();
    },
  };
}

/** Connects and signs in, through the target's bastion where it has one. Rejects with HostError. */
export async function openClient(target: HostTarget, options: ConnectOptions): Promise<OpenClient> {
  const { bastion } = target;
  checkLogin(target, options, bastion !== undefined);
  if (!bastion) return startClient(target, await openChecked(target, options), options);
  checkLogin(bastion, options, false);
  const hop = await startClient(bastion, await openChecked(bastion, options), options);
  try {
    const stream = await new Promise<Duplex>((resolve, reject) => {
      hop.client.forwardOut('127.0.0.1', 0, target.address, target.port, (error, channel) => {
        if (error) reject(toForwardError(error, target, bastion));
        else resolve(channel);
      });
    });
    const inner = await startClient(target, stream, options);
    void inner.closed.then(() => hop.close());
    void hop.closed.then(() => stream.destroy());
    return inner;
  } catch (error) {
    hop.close();
    throw error;
  }
}

function toForwardError(cause: Error, target: HostLogin, bastion: HostLogin): HostError {
  return new HostError(
    {
      code: 'host-unreachable',
      message: `${bastion.name} could not reach ${target.name} at ${target.address} port ${target.port}.`,
      nextAction: 'Check that the bastion may forward TCP and has a route to the host.',
    },
    { cause },
  );
}

async function openChecked(login: HostLogin, options: ConnectOptions): Promise<Duplex> {
  try {
    return await openSocket(login, options);
  } catch (error) {
    if (error instanceof HostError) throw error;
    throw new HostError(classifySshError(error, login), { cause: error });
  }
}
