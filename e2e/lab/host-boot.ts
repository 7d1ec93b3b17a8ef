import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, closeSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '@/lib/testing/wait-for';
import { runCommand, runOrThrow } from './command';
import { findProcess, isRunning } from './process-identity';
import type { ProcessIdentity } from './process-identity';
import { killCgroups, makeCgroups } from './cgroups';
import { removeCable } from './network';
import type { HostState } from './state';

/**
 * Joins the host's cgroups, then runs the host until it powers off. 133 is systemd-nspawn's way to say that the
 * system inside wants a reboot, so a reboot is a new round with the same files.
 */
const supervisorScript = `
machine=$1; bridge=$2; root=$3; shift 3
for group in "$@"; do echo $$ > "$group/cgroup.procs" || exit 1; done
while :; do
  systemd-nspawn --quiet --boot --directory="$root" --machine="$machine" --hostname="$(cat "$root/etc/hostname")" \\
    --register=no --keep-unit --capability=all --network-bridge="$bridge" --resolv-conf=off --timezone=off \\
    --link-journal=no --console=pipe </dev/null
  code=$?
  [ "$code" = 133 ] || exit "$code"
done
`;

/** Where a host's file system is: the shared read-only root below, what this host wrote above. */
export function mergedRoot(host: HostState): string {
  return join(host.dir, 'merged');
}

export function consoleLog(host: HostState): string {
  return join(host.dir, 'console.log');
}

/** Mounts a host's file system; what it writes lives in its folder and survives reboots and power cuts. */
export async function mountHost(host: HostState, rootFs: string): Promise<void> {
  const [upper, work, merged] = [join(host.dir, 'upper'), join(host.dir, 'work'), mergedRoot(host)];
  for (const path of [upper, work, merged]) await mkdir(path, { recursive: true });
  const layers = `lowerdir=${rootFs},upperdir=${upper},workdir=${work}`;
  await runOrThrow(['mount', '-t', 'overlay', 'siteplan-lab', '-o', layers, merged]);
}

export async function unmountHost(host: HostState): Promise<void> {
  const merged = mergedRoot(host);
  const isMounted = () => readFileSync('/proc/self/mounts', 'utf8').includes(` ${merged} `);
  for (let attempt = 0; isMounted(); attempt += 1) {
    // The last processes of a host let go of its files shortly after their end; a lazy unmount is the last resort.
    await runCommand(attempt < 50 ? ['umount', merged] : ['umount', '--lazy', merged]);
    if (isMounted()) await delay(20);
  }
}

/** Switches a host on and returns the process that keeps it running; it is not up yet (see waitForHost). */
export async function powerOn(host: HostState, bridge: string): Promise<ProcessIdentity> {
  const groups = await makeCgroups(host.machine);
  const log = openSync(consoleLog(host), 'a', 0o600);
  const args = ['-c', supervisorScript, 'lab-host', host.machine, bridge, mergedRoot(host), ...groups];
  // Detached: a Ctrl-C at the terminal must not cut the power of half of the hosts.
  const child = spawn('/bin/sh', args, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref();
  const identity = child.pid === undefined ? null : findProcess(child.pid);
  if (identity === null) throw new Error(`${host.name} did not start: ${await consoleTail(host)}`);
  return identity;
}

/** Cuts the power: every process of the host is killed at once, nothing is shut down. */
export async function powerOff(host: HostState): Promise<void> {
  if (isRunning(host.supervisor) && host.supervisor !== null) process.kill(host.supervisor.pid, 'SIGKILL');
  await killCgroups(host.machine);
  await removeCable(host.machine);
}

/** The process on this machine that is process 1 inside the host, or null while the host is off. */
export async function findInit(host: HostState): Promise<number | null> {
  if (host.supervisor === null || !isRunning(host.supervisor)) return null;
  const queue = [host.supervisor.pid];
  for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    if (/^NSpid:\t\d+\t1$/m.test(status)) return pid;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    queue.push(...children.split(' ').filter(Boolean).map(Number));
  }
  return null;
}

/** The boot id inside a running host, or null. It changes with every boot. */
export async function findBootId(host: HostState): Promise<string | null> {
  const init = await findInit(host);
  const path = `/proc/${init}/root/proc/sys/kernel/random/boot_id`;
  return init === null
    ? null
    : await readFile(path, 'utf8').then(
        (text) => text.trim(),
        () => null,
      );
}

/**
 * Waits until people may log in: sshd sends its banner and the boot has taken away /run/nologin. Rejects after
 * `limitMs`, or at once when the host ends, with the end of its console log.
 */
export async function waitForHost(host: HostState, limitMs: number): Promise<void> {
  const isUp = async () => {
    if (!isRunning(host.supervisor)) return 'ended';
    const init = await findInit(host);
    if (init === null || !(await hasSshBanner(host.address))) return false;
    const [run, nologin] = [`/proc/${init}/root/run/systemd/system`, `/proc/${init}/root/run/nologin`];
    return existsSync(run) && !existsSync(nologin) ? 'up' : false;
  };
  const outcome = await waitFor(isUp, {
    what: `ssh on ${host.name}`,
    timeoutMs: limitMs,
    everyMs: 100,
  }).catch(() => 'late');
  if (outcome === 'up') return;
  const why = outcome === 'ended' ? 'ended while booting' : `did not answer ssh within ${limitMs / 1000} s`;
  throw new Error(
    `lab host ${host.name} (${host.address}) ${why}. Its console said last:\n${await consoleTail(host)}`,
  );
}

async function consoleTail(host: HostState): Promise<string> {
  const text = await readFile(consoleLog(host), 'utf8').catch(() => '(no console log)');
  return text.trim().split('\n').slice(-25).join('\n');
}

function hasSshBanner(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 22 });
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('data', (chunk) => finish(chunk.toString().startsWith('SSH-2.0')));
  });
}
