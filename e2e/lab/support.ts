import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter } from 'node:path';

const neededTools = [
  'systemd-nspawn',
  'nsenter',
  'ip',
  'mount',
  'umount',
  'ssh-keygen',
  'openssl',
  'tar',
  'zstd',
];
const searchPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The full path of a program, looked up in the usual system folders, or null. */
export function findTool(name: string): string | null {
  for (const folder of searchPath.join(delimiter).split(delimiter)) {
    const path = `${folder}/${name}`;
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return null;
}

/**
 * Why the lab cannot run on this machine, as one sentence, or null when it can. Looks only: starts nothing.
 */
export function checkLabSupport(): string | null {
  if (process.platform !== 'linux') return 'the lab needs Linux';
  if (process.getuid?.() !== 0)
    return 'the lab needs root (it mounts, boots hosts and makes a network bridge)';
  const missing = neededTools.find((tool) => findTool(tool) === null);
  if (missing !== undefined) return `the lab needs ${missing}, which is not installed`;
  if (findTool('mmdebstrap') === null && findTool('debootstrap') === null) {
    return 'the lab needs mmdebstrap or debootstrap, and neither is installed';
  }
  for (const namespace of ['mnt', 'net', 'pid', 'uts', 'ipc', 'cgroup']) {
    if (!existsSync(`/proc/self/ns/${namespace}`))
      return `the lab needs ${namespace} namespaces in the kernel`;
  }
  if (!existsSync('/sys/fs/cgroup')) return 'the lab needs cgroups mounted at /sys/fs/cgroup';
  return null;
}
