import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const base = '/sys/fs/cgroup';
const ours = 'siteplan-lab';

/**
 * The root of every cgroup hierarchy: one on a unified system, several on a hybrid one. `cpuset` is left out: a
 * new group there takes no process before its CPUs are set, and nothing here limits CPUs.
 */
async function hierarchies(): Promise<string[]> {
  if (existsSync(join(base, 'cgroup.controllers'))) return [base];
  const names = await readdir(base);
  const roots = names.filter((name) => name !== 'cpuset').map((name) => join(base, name));
  return roots.filter((root) => existsSync(join(root, 'cgroup.procs')));
}

/**
 * One cgroup per host in each hierarchy. Without it, all hosts' systemd would share one tree and see each other's
 * services; with it a host can also be frozen, and killed with nothing left over.
 */
export async function makeCgroups(machine: string): Promise<string[]> {
  const paths = (await hierarchies()).map((root) => join(root, ours, machine));
  // A second try, because a lab that ends at this moment removes the folder above when it finds it empty.
  for (const path of paths)
    await mkdir(path, { recursive: true }).catch(() => mkdir(path, { recursive: true }));
  return paths;
}

async function findCgroups(machine: string): Promise<string[]> {
  const paths = (await hierarchies()).map((root) => join(root, ours, machine));
  return paths.filter((path) => existsSync(path));
}

async function walk(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => walk(join(path, entry.name))),
  );
  return [path, ...below.flat()];
}

async function processesIn(paths: readonly string[]): Promise<number[]> {
  const found = new Set<number>();
  for (const path of paths) {
    for (const group of await walk(path)) {
      const text = await readFile(join(group, 'cgroup.procs'), 'utf8').catch(() => '');
      for (const line of text.split('\n')) if (Number(line) > 0) found.add(Number(line));
    }
  }
  return [...found];
}

/** Stops or continues every process of a host, as if its machine hung. */
export async function setFrozen(machine: string, frozen: boolean): Promise<void> {
  for (const path of await findCgroups(machine)) {
    const [unified, legacy] = [join(path, 'cgroup.freeze'), join(path, 'freezer.state')];
    if (existsSync(legacy)) await writeFile(legacy, frozen ? 'FROZEN' : 'THAWED');
    else if (existsSync(unified) && path.startsWith(join(base, ours)))
      await writeFile(unified, frozen ? '1' : '0');
  }
}

/** Kills every process of a host at once and removes its cgroups. Rejects when a process survives 10 s. */
export async function killCgroups(machine: string): Promise<void> {
  const paths = await findCgroups(machine);
  await setFrozen(machine, false);
  const deadline = Date.now() + 10_000;
  for (;;) {
    const pids = await processesIn(paths);
    if (pids.length === 0) break;
    if (Date.now() > deadline) throw new Error(`processes of ${machine} do not end: ${pids.join(', ')}`);
    for (const pid of pids) tryKill(pid);
    await delay(20);
  }
  for (const path of paths) {
    for (const group of (await walk(path)).reverse()) await removeGroup(group);
    // Succeeds for the last host only.
    await rmdir(dirname(path)).catch(() => undefined);
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended on its own meanwhile.
  }
}

/** A cgroup stays busy for a moment after its last process has gone. */
async function removeGroup(path: string): Promise<void> {
  for (let attempt = 0; attempt < 50 && existsSync(path); attempt += 1) {
    const removed = await rmdir(path).then(
      () => true,
      () => false,
    );
    if (removed) return;
    await delay(20);
  }
}
