import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Layout } from './layout';
import { log } from './log';

const podLogs = '/var/log/pods';
const etcdWords = 'the member has been permanently removed from the cluster';

/**
 * Leaves a tombstone in the data of a member that the others have removed, so that the next start of the service
 * joins anew; etcd itself says it in its log and ends (facts 3.4). Runs until then.
 */
export async function watchForRemoval(layout: Layout): Promise<void> {
  const startedMs = Date.now();
  while (!etcdLogs(startedMs).some((path) => readFileSync(path, 'utf8').includes(etcdWords)))
    await delay(2_000);
  writeFileSync(layout.tombstone, '', { mode: 0o600 });
  log.info('this node has been removed from the cluster please restart rke2 to rejoin the cluster');
}

/** What etcd has written to since then; an older log may tell of an earlier membership. */
function etcdLogs(sinceMs: number): string[] {
  if (!existsSync(podLogs)) return [];
  return readdirSync(podLogs)
    .filter((name) => name.startsWith('kube-system_etcd_'))
    .map((name) => join(podLogs, name, 'etcd', '0.log'))
    .filter((path) => existsSync(path) && statSync(path).mtimeMs > sinceMs);
}
