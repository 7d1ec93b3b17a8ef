import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdClient } from './etcd-client';
import { log, toMessage } from './log';

/** Where API servers say that they are there, by address, as the real one does. */
export const masterLeasePrefix = '/registry/masterleases/';
const ttlS = 15;

/** Keeps this API server among the ones that agents are told about; it is gone from there 15 s after its end. */
export async function keepMasterLease(etcd: EtcdClient, address: string): Promise<never> {
  for (;;) {
    await etcd
      .putFor(`${masterLeasePrefix}${address}`, JSON.stringify({ ip: address }), ttlS)
      .catch((error: unknown) => log.warn(`master lease: ${toMessage(error)}`));
    await delay(5_000);
  }
}
