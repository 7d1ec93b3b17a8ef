import ssh2 from 'ssh2';
import { toAlgorithms } from './algorithms';
import { classifySshError } from './classify-ssh-error';
import { HostError } from './host-error';
import { toScannedHostKey, type ScannedHostKey } from './host-key';
import { openSocket } from './open-socket';
import type { ConnectOptions, HostEndpoint } from './target';

/** The key that a host shows, read without authenticating: the handshake ends as soon as the key is seen. */
export async function scanHostKey(endpoint: HostEndpoint, options: ConnectOptions): Promise<ScannedHostKey> {
  try {
    const socket = await openSocket(endpoint, options);
    const client = new ssh2.Client();
    try {
      return await new Promise<ScannedHostKey>((resolve, reject) => {
        client.on('error', reject);
        client.once('close', () => reject(new Error('Connection lost before handshake')));
        client.connect({
          sock: socket,
          username: 'siteplan',
          authHandler: [],
          algorithms: toAlgorithms(),
          readyTimeout: options.readyTimeoutMs ?? 20_000,
          hostVerifier: (key: Buffer) => {
            resolve(toScannedHostKey(key));
            return false;
          },
        });
      });
    } finally {
      socket.destroy();
    }
  } catch (error) {
    if (error instanceof HostError) throw error;
    throw new HostError(classifySshError(error, endpoint), { cause: error });
  }
}
