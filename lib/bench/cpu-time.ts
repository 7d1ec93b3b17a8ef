import { readdir, readFile } from 'node:fs/promises';

/** Kernel ticks per second in /proc, the same on every Linux that Node runs on. */
const TICKS_PER_S = 100;

interface ProcessTimes {
  readonly parent: number;
  /** Own user and system time. */
  readonly ownMs: number;
  /** Of children that have ended and were waited for. */
  readonly reapedMs: number;
}

async function readTimes(pid: number): Promise<ProcessTimes | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  // The name in parentheses may hold anything; the third field of proc(5) follows it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const toMs = (ticks: string | undefined) => (Number(ticks ?? 0) * 1000) / TICKS_PER_S;
  return {
    parent: Number(fields[1]),
    ownMs: toMs(fields[11]) + toMs(fields[12]),
    reapedMs: toMs(fields[13]) + toMs(fields[14]),
  };
}

async function listPids(): Promise<number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}

/**
 * User and system time, milliseconds, of a process, its living children and all that they have waited for. For a
 * PostgreSQL server that is the whole server: take the difference of two readings.
 */
export async function readTreeCpuMs(root: number): Promise<number> {
  let sumMs = 0;
  for (const pid of await listPids()) {
    const times = await readTimes(pid);
    if (times && (pid === root || times.parent === root)) sumMs += times.ownMs + times.reapedMs;
  }
  return sumMs;
}

/** User and system time, milliseconds, of the living processes whose command line holds `text`. */
export async function readCommandCpuMs(text: string): Promise<number> {
  let sumMs = 0;
  for (const pid of await listPids()) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (!command.includes(text)) continue;
    sumMs += (await readTimes(pid))?.ownMs ?? 0;
  }
  return sumMs;
}

/** Files that hold the CPU time of a lab host's cgroup: the first two of a hybrid hierarchy, the last of a unified one. */
const CGROUP_FILES: readonly (readonly [string, string])[] = [
  ['/sys/fs/cgroup/cpuacct/siteplan-lab', 'cpuacct.usage'],
  ['/sys/fs/cgroup/cpu,cpuacct/siteplan-lab', 'cpuacct.usage'],
  ['/sys/fs/cgroup/siteplan-lab', 'cpu.stat'],
];

/**
 * User and system time so far, milliseconds, of all hosts of a lab, whose cgroups `e2e/lab` names after the third byte
 * of its network. Throws where no cgroup tells.
 */
export async function readLabCpuMs(lab: {
  readonly gateway: string;
  readonly hosts: readonly unknown[];
}): Promise<number> {
  const subnet = lab.gateway.split('.')[2];
  for (const [dir, file] of CGROUP_FILES) {
    const texts = await Promise.all(
      lab.hosts.map((_, at) => readFile(`${dir}/spl${subnet}-${at}/${file}`, 'utf8').catch(() => null)),
    );
    if (texts.includes(null)) continue;
    const toMs = (text: string | null) =>
      file === 'cpu.stat' ? Number(/^usage_usec (\d+)$/m.exec(text ?? '')?.[1]) / 1e3 : Number(text) / 1e6;
    return texts.reduce((sum, text) => sum + toMs(text), 0);
  }
  throw new Error('the cgroups of the lab tell no CPU time');
}
