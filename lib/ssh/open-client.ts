import { openWay } from './open-way';
import { checkLogin, startClient, type OpenClient } from './start-client';
import type { ConnectOptions, HostTarget } from './target';

/** Connects and signs in, through the target's bastions where it has any. Rejects with HostError. */
export async function openClient(target: HostTarget, options: ConnectOptions): Promise<OpenClient> {
  const bastions = target.bastions ?? [];
  for (const login of [...bastions, target]) checkLogin(login);
  const way = await openWay(target, bastions, options);
  try {
    const client = await startClient(target, way.socket, options);
    void client.closed.then(way.close);
    return client;
  } catch (error) {
    way.close();
    throw error;
  }
}
