import { readFileSync } from 'node:fs';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks from boot to the start of the process. */
  startTicks: string;
}

/** The identity of a running process, or null when there is none (a zombie counts as none). */
export function findProcess(pid: number): ProcessIdentity | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name stands in parentheses and may hold anything, so count from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const startTicks = fields[19];
    return fields[0] === 'Z' || startTicks === undefined ? null : { pid, startTicks };
  } catch {
    return null;
  }
}

export function isRunning(identity: ProcessIdentity | null): boolean {
  return identity !== null && findProcess(identity.pid)?.startTicks === identity.startTicks;
}

/** All processes below `pid`, then itself. */
export function processTree(pid: number): number[] {
  let children: number[] = [];
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    children = text.split(' ').filter(Boolean).map(Number);
  } catch {
    // It has just ended.
  }
  return [...children.flatMap(processTree), pid];
}
