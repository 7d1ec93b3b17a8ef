import ssh2 from 'ssh2';
import { toAlgorithms } from './algorithms';
import { classifySshError } from './classify-ssh-error';
import { HostError } from './host-error';
import { toScannedHostKey, type ScannedHostKey } from './host-key';
import { openWay } from './open-way';
import { checkLogin } from './start-client';
import type { ConnectOptions, HostEndpoint, HostLogin } from './target';

/**
 * The key that a host shows, read without authenticating there: the handshake ends as soon as the key is seen. Signs in
 * to the bastions on the way, so their keys must be approved. A host with several keys shows one of `pinnedTypes` if it
 * has one, as it does to a connection. Rejects with HostError.
 */
export async function scanHostKey(
  endpoint: HostEndpoint,
  options: ConnectOptions,
  bastions: readonly HostLogin[] = [],
  pinnedTypes: readonly string[] = [],
): Promise<ScannedHostKey> {
  for (const login of bastions) checkLogin(login);
  const { socket, close } = await openWay(endpoint, bastions, options);
  try {
    const client = new ssh2.Client();
    try {
      return await new Promise<ScannedHostKey>((resolve, reject) => {
        client.on('error', reject);
        client.once('close', () => reject(new Error('Connection lost before handshake')));
        client.connect({
          sock: socket,
          username: 'siteplan',
          authHandler: [],
          algorithms: toAlgorithms(pinnedTypes, 'after'),
          readyTimeout: options.readyTimeoutMs ?? 20_000,
          hostVerifier: (key: Buffer) => {
            resolve(toScannedHostKey(key));
            return false;
          },
        });
      });
    } finally {
      socket.destroy();
      close();
    }
  } catch (error) {
    if (error instanceof HostError) throw error;
    throw new HostError(classifySshError(error, endpoint), { cause: error });
  }
}
