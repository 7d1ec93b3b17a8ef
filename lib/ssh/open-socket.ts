import { connect, type Socket } from 'node:net';
import { findAddressRefusal, resolveHost } from './address-policy';
import { HostError } from './host-error';
import type { ConnectOptions, HostEndpoint } from './target';

/** For one TCP connection, made here or by a bastion. */
export const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Every address of the endpoint, resolved once, here, and each allowed; rejects with `address-refused` if one is not.
 * Behind a bastion as well: a name that the bastion resolved could not be checked.
 */
export async function toCheckedAddresses(
  endpoint: HostEndpoint,
  options: ConnectOptions,
): Promise<readonly string[]> {
  const addresses = await (options.resolve ?? resolveHost)(endpoint.address);
  for (const address of addresses) {
    const refusal = findAddressRefusal(address, endpoint.port, options.policy);
    if (refusal === null) continue;
    throw new HostError({
      code: 'address-refused',
      message: `${endpoint.name} is at ${address}, which is ${refusal}; Siteplan does not connect there.`,
      nextAction: 'Correct the address, or ask an administrator to allow this network.',
    });
  }
  return addresses;
}

function connectOnce(address: string, port: number, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // No-delay from the first byte: with Nagle's algorithm a command on a kept connection takes 20 times as long.
    const socket = connect({ host: address, port, noDelay: true, keepAlive: true });
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error('connect timed out'), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

/**
 * A TCP connection to one of the addresses, which were checked (never resolved again). Tries them in the resolver's
 * order; rejects with the last socket error.
 */
export async function openSocket(
  addresses: readonly string[],
  port: number,
  options: ConnectOptions,
): Promise<Socket> {
  let failure: unknown = Object.assign(new Error('no address'), { code: 'ENOTFOUND' });
  for (const address of addresses) {
    try {
      return await connectOnce(address, port, options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
