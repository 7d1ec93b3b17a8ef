import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Name of the variable that marks everything that runs on a soak's hosts. */
export const MARKER = 'SITEPLAN_SOAK_HOST';

/** Processes whose environment carries the mark: whatever runs on the hosts of one lane. */
export async function listMarked(mark: string): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 1);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return environment.includes(`${MARKER}=${mark}\0`) ? [pid] : [];
    }),
  );
  return found.flat();
}

/** The processes as a person would want to see them; those that ended meanwhile are left out. */
export async function describeProcesses(pids: readonly number[]): Promise<string[]> {
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return command === '' ? [] : [`process ${pid}: ${command.replaceAll('\0', ' ').slice(0, 200)}`];
    }),
  );
  return lines.flat();
}

/** Files of the runner below `root` that a finished run should have taken away: acts, and half-written ones. */
export async function listLeftFiles(root: string): Promise<string[]> {
  const base = join(root, 'var/lib/siteplan-host');
  const acts = await readdir(join(base, 'acts')).catch(() => []);
  const others = await readdir(base).catch(() => []);
  return [
    ...acts.map((name) => `acts/${name}`),
    ...others.filter((name) => /\.new$|\.\d+$|^lock\.d$/.test(name)),
  ].map((name) => `file ${name}`);
}
