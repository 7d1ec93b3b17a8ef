import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Layout } from './layout';
import { runDir } from './layout';
import { log, toMessage } from './log';
import type { PodManifest } from './pod-manifests';
import { findProcess, isRunning, processTree } from '../process-identity';
import type { ProcessIdentity } from '../process-identity';

/** What is remembered of a pod between two lives of the kubelet. */
export interface PodRecord {
  id: string;
  name: string;
  hash: string;
  process: ProcessIdentity;
  restarts: number;
  startedAt: string;
}

const podsDir = join(runDir, 'pods');

export function readPodRecords(): PodRecord[] {
  if (!existsSync(podsDir)) return [];
  // The kubelet of this host wrote these files.
  return readdirSync(podsDir).map(
    (name) => JSON.parse(readFileSync(join(podsDir, name), 'utf8')) as PodRecord,
  );
}

export function isPodRunning(record: PodRecord): boolean {
  return isRunning(record.process);
}

function readManifests(layout: Layout): PodManifest[] {
  if (!existsSync(layout.podManifests)) return [];
  const names = readdirSync(layout.podManifests).filter((name) => name.endsWith('.yaml'));
  // The server writes its manifests as JSON, which is YAML too.
  return names.map(
    (name) => JSON.parse(readFileSync(join(layout.podManifests, name), 'utf8')) as PodManifest,
  );
}

/** Whether every manifest has been started as it is now, so that none of an earlier one still answers. */
export function arePodsCurrent(layout: Layout): boolean {
  const records = readPodRecords();
  const isCurrent = (manifest: PodManifest) =>
    records.some((record) => record.name === manifest.metadata.name && record.hash === hashOf(manifest));
  return readManifests(layout).every(isCurrent);
}

/**
 * Runs the pods of the manifest folder as a kubelet does: each under a shim of its own that lives on when the
 * kubelet ends, so that stopping the service leaves etcd and the API server running until rke2-killall.sh
 * (facts 1.2, 12 row 33). A pod whose manifest changed is replaced; one that ends is started again, later each time.
 */
export class StaticPods {
  private readonly nextStartMs = new Map<string, number>();

  constructor(private readonly layout: Layout) {
    mkdirSync(podsDir, { recursive: true });
  }

  /** One round: compares manifests with what runs, and starts or ends shims. */
  reconcile(nowMs: number): void {
    const manifests = readManifests(this.layout);
    for (const record of readPodRecords()) {
      const manifest = manifests.find((candidate) => candidate.metadata.name === record.name);
      if (manifest === undefined || hashOf(manifest) !== record.hash) this.end(record);
    }
    for (const manifest of manifests) this.ensureRunning(manifest, nowMs);
  }

  private ensureRunning(manifest: PodManifest, nowMs: number): void {
    const { name } = manifest.metadata;
    const record = readPodRecords().find((candidate) => candidate.name === name);
    if (record !== undefined && isPodRunning(record)) return;
    if ((this.nextStartMs.get(name) ?? 0) > nowMs) return;
    const restarts = record === undefined ? 0 : record.restarts + 1;
    if (record !== undefined) log.warn(`pod ${name} has ended; restart ${restarts}`);
    this.nextStartMs.set(name, nowMs + Math.min(60_000, 1_000 * 2 ** Math.min(restarts, 6)));
    try {
      this.start(manifest, restarts);
    } catch (error) {
      log.error(`pod ${name} did not start: ${toMessage(error)}`);
    }
  }

  private start(manifest: PodManifest, restarts: number): void {
    const { name, namespace } = manifest.metadata;
    const [container] = manifest.spec.containers;
    if (container === undefined) throw new Error('a pod without a container');
    const id = createHash('sha256').update(`${name}${Date.now()}`).digest('hex');
    const logs = `/var/log/pods/${namespace}_${name}_${hashOf(manifest).slice(0, 16)}/${container.name}`;
    mkdirSync(logs, { recursive: true });
    // `bin` is a link into data/<version>/bin; rke2-killall.sh recognises a shim by that real path.
    const shim = join(realpathSync(this.layout.bin), 'containerd-shim-runc-v2');
    const args = [
      '-namespace',
      'k8s.io',
      '-id',
      id,
      '-log',
      join(logs, '0.log'),
      ...container.command,
      ...container.args,
    ];
    const child = spawn(shim, args, { detached: true, stdio: 'ignore', cwd: '/' });
    child.on('error', (error) => log.error(`pod ${name}: ${error.message}`));
    child.unref();
    const process = child.pid === undefined ? null : findProcess(child.pid);
    if (process === null) throw new Error('its shim ended at once');
    const startedAt = new Date().toISOString();
    const record: PodRecord = { id, name, hash: hashOf(manifest), process, restarts, startedAt };
    writeFileSync(join(podsDir, `${name}.json`), JSON.stringify(record));
  }

  /**
   * Asks a pod to end; its record stays until it has, because its successor needs its ports. The shim is left to end
   * with its container: asked itself, it would be gone before an etcd that is still writing.
   */
  private end(record: PodRecord): void {
    if (isPodRunning(record)) {
      const [shim = record.process.pid, ...containers] = processTree(record.process.pid).reverse();
      for (const pid of containers.length > 0 ? containers : [shim]) tryKill(pid);
      return;
    }
    rmSync(join(podsDir, `${record.name}.json`), { force: true });
    this.nextStartMs.delete(record.name);
  }
}

function hashOf(manifest: PodManifest): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It has ended on its own.
  }
}
