import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import ssh2, { type Client, type ConnectConfig } from 'ssh2';
import { toAlgorithms } from './algorithms';
import { toAuthHandler, type AuthRecord } from './auth-handler';
import {
  classifySshError,
  toConnectionLost,
  toWeakAlgorithms,
  type SshErrorContext,
} from './classify-ssh-error';
import { HostError } from './host-error';
import { toFingerprint } from './host-key';
import type { ConnectOptions, HostLogin } from './target';
import { watchLiveness } from './watch-liveness';

const READY_TIMEOUT_MS = 20_000;
/** A host that says nothing before anybody has to prove anything is not there. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Part of the ready timeout: PAM may ask others for long, yet a dead link is noticed within 15 s (reliability I7). */
const SIGN_IN_SILENCE = 0.65;
const CLOSE_GRACE_MS = 1_000;
const MAX_HELLO_LENGTH = 16_384;
const KEEPALIVE = { intervalMs: 5_000, count: 2 };

export interface OpenClient {
  readonly client: Client;
  readonly context: SshErrorContext;
  /** Resolves when the connection is gone: null after `close`, else why. */
  readonly closed: Promise<HostError | null>;
  readonly close: () => void;
}

function toConfig(login: HostLogin, sock: Duplex, options: ConnectOptions, state: Attempt): ConnectConfig {
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

/** Refuses, before any connection, a login that could not be safe or could not work: no approved key, a broken key. */
export function checkLogin(login: HostLogin): void {
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
}

/** The library keeps this to itself; where it cannot be read, the answer is no. */
function hasStrictKex(client: Client): boolean {
  const { _protocol: protocol } = client as unknown as { _protocol?: { _strictMode?: boolean } };
  return protocol?._strictMode === true;
}

/** What is known of an attempt to connect, for the words of its failure. */
interface Attempt {
  readonly record: AuthRecord;
  shownKey: string | null;
  /** First bytes of the host, up to its offer of algorithms, which nothing encrypts yet. */
  hello: string;
  weakness: string | null;
  /** sshd says in its banner that PAM holds the account for expired, and then only hangs up. */
  isAccountExpired: boolean;
}

/** Why an offer or what came of it is refused, for hosts whose fault it is; null for others. */
function findWeakness({ hello, weakness }: Attempt, login: HostLogin, isKeyRefused: boolean): string | null {
  if (weakness || !isKeyRefused) return weakness;
  const isRsaPinned = login.hostKey.pinned.some(({ algorithm }) => algorithm === 'ssh-rsa');
  const isSha1Only = hello.includes('ssh-rsa') && !hello.includes('rsa-sha2-');
  return isRsaPinned && isSha1Only ? 'signature of its host key' : null;
}

function toFailure(error: unknown, login: HostLogin, state: Attempt) {
  const context: SshErrorContext = {
    ...login,
    authKind: login.auth.kind,
    offered: state.record.offered,
  };
  const isKeyRefused =
    error instanceof Error && /verification failed|no matching host key/i.test(error.message);
  const weakness = findWeakness(state, login, isKeyRefused);
  if (weakness) return new HostError(toWeakAlgorithms(login.name, weakness), { cause: error });
  if (isKeyRefused) return toHostKeyChanged(login, state.shownKey);
  if (state.record.isPasswordExpired) {
    return new HostError({
      code: 'password-expired',
      message: `${login.name} wants a new password for ${login.user} before it lets anyone in.`,
      nextAction: 'Sign in once by hand, set a new password, and enter it as credential.',
    });
  }
  if (state.isAccountExpired) {
    return new HostError({
      code: 'password-expired',
      message: `${login.name} says that the account of ${login.user} has expired.`,
      nextAction: `Extend it on the host (chage -E -1 ${login.user}), or sign in as another user.`,
    });
  }
  return new HostError(classifySshError(error, context), { cause: error });
}

/** Destroys the socket of a host that says nothing before or while it lets somebody in; returns how to stop that. */
function limitSilence(client: Client, socket: Duplex, readyTimeoutMs: number): () => void {
  const timer = setTimeout(
    () => socket.destroy(new Error('Timed out while waiting for handshake')),
    Math.min(HANDSHAKE_TIMEOUT_MS, readyTimeoutMs),
  );
  let stop = () => clearTimeout(timer);
  client.once('handshake', () => {
    stop();
    stop = watchLiveness(socket, readyTimeoutMs * SIGN_IN_SILENCE, () =>
      socket.destroy(new Error('Timed out while signing in')),
    );
  });
  return () => stop();
}

/**
 * One authenticated SSH connection over `socket`: the host key is compared before any authentication packet, pings
 * run, silence ends it. Rejects with HostError; the socket is then destroyed.
 */
export async function startClient(
  login: HostLogin,
  socket: Duplex,
  options: ConnectOptions,
): Promise<OpenClient> {
  const client = new ssh2.Client();
  const record = { offered: [], isPasswordExpired: false };
  const state: Attempt = { record, shownKey: null, hello: '', weakness: null, isAccountExpired: false };
  const onHello = (chunk: Buffer) => {
    if (state.hello.length < MAX_HELLO_LENGTH) state.hello += chunk.toString('latin1');
  };
  let isClosing = false;
  let lost: HostError | null = null;
  const context: SshErrorContext = { ...login, authKind: login.auth.kind, wasReady: true };
  // From the beginning: the library may tell of two errors in a row, and one that nobody hears ends the process.
  client.on('error', () => undefined);
  client.on('change password', () => {
    state.record.isPasswordExpired = true;
    client.end();
  });
  client.on('banner', (text) => {
    state.isAccountExpired ||= /account has expired/i.test(text);
  });
  // Before authentication. ChaCha20 without strict key exchange lets packets be cut off the front (CVE-2023-48795).
  client.once('handshake', ({ cs, sc }) => {
    const isChaCha = [cs.cipher, sc.cipher].some((cipher) => cipher.startsWith('chacha20'));
    if (!isChaCha || hasStrictKex(client)) return;
    state.weakness = 'way to use ChaCha20 (strict key exchange)';
    socket.destroy();
  });
  const stopWaiting = limitSilence(client, socket, options.readyTimeoutMs ?? READY_TIMEOUT_MS);
  try {
    socket.on('data', onHello);
    const ready = once(client, 'ready');
    const ended = once(client, 'close').then(() =>
      Promise.reject(new Error('Connection lost before handshake')),
    );
    client.connect(toConfig(login, socket, options, state));
    await Promise.race([ready, ended]);
    ended.catch(() => undefined);
    socket.removeListener('data', onHello);
  } catch (error) {
    socket.destroy();
    throw toFailure(error, login, state);
  } finally {
    stopWaiting();
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
