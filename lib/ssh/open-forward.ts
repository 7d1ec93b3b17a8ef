import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { endChannel } from './end-channel';
import { CONNECT_TIMEOUT_MS } from './open-socket';
import type { ConnectOptions } from './target';

/**
 * A byte stream to an address as the host behind `client` reaches it. Rejects with the library's error, or with one of
 * ours when the host has not answered within `connectTimeoutMs` (10 s); a stream that comes after that is closed.
 */
export function openForward(
  client: Client,
  address: string,
  port: number,
  { connectTimeoutMs = CONNECT_TIMEOUT_MS }: Pick<ConnectOptions, 'connectTimeoutMs'>,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      reject(new Error(`no answer to a request to forward within ${connectTimeoutMs} ms`));
    }, connectTimeoutMs);
    try {
      client.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
        clearTimeout(timer);
        if (error) reject(error);
        else if (isLate) endChannel(channel.on('error', () => undefined));
        else resolve(channel);
      });
    } catch (error) {
      clearTimeout(timer);
      reject(error instanceof Error ? error : new Error('forward failed', { cause: error }));
    }
  });
}
