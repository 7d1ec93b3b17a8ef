import { createHash } from 'node:crypto';
import { lstat, readFile, readdir, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Lab } from '@/e2e/lab/lab';

/** What the host itself writes at its boot and in its work, whatever is done to it; and who it is. */
const OWN: readonly RegExp[] = [
  /^\/(run|tmp|var\/(cache|log|tmp)|var\/lib\/(dbus|private|systemd))(\/|$)/,
  /^\/etc\/(hosts|machine-id|shadow|ssh\/ssh_host_.*|\.pwd\.lock)$/,
];

/** Files whose bytes are random or name the host in a hash: that they are there counts, and their mode and owner. */
const RANDOM: readonly RegExp[] = [
  /\.(crt|key|kubeconfig|log)$/,
  /^\/etc\/rancher\/(rke2\/rke2\.yaml|node\/password)$/,
  /^\/var\/lib\/rancher\/rke2\/server\/(cred\/|tls\/|token$)/,
  // Wrong ones would show in the next plan, whose steps are compared.
  /^\/var\/lib\/siteplan-host\/stamps\/(rke2-server\.service|rke2-ready|nodes-label|keepalived\.service|lb-ready)$/,
  // Holds the epoch.
  /^\/var\/lib\/siteplan-host\/fence$/,
];

/** Databases: their files come and go. */
const OPAQUE: readonly RegExp[] = [/^\/var\/lib\/rancher\/rke2\/server\/db$/];

/** Whatever differs between two hosts of a lab, and what stands for it. */
export type Stands = Readonly<Record<string, string>>;

function toHash(bytes: Buffer, stands: Stands): string {
  const isText = !bytes.includes(0);
  const named = isText
    ? Object.entries(stands).reduce(
        (text, [found, stand]) => text.replaceAll(found, stand),
        bytes.toString('utf8'),
      )
    : bytes;
  return createHash('sha256').update(named).digest('hex').slice(0, 16);
}

/** Everything that the host has written or removed since it was made: kind, mode, owner and content of each path. */
export async function listWritten(lab: Lab, host: string, stands: Stands): Promise<string[]> {
  const upper = join(dirname(lab.rootOf(host)), 'upper');
  const walk = async (path: string): Promise<string[]> => {
    const entries = await readdir(join(upper, path)).catch(() => []);
    const lines = await Promise.all(entries.map((entry) => toLines(`${path}/${entry}`)));
    return lines.flat();
  };
  const toLines = async (path: string): Promise<string[]> => {
    if (OWN.some((pattern) => pattern.test(path))) return [];
    const stat = await lstat(join(upper, path)).catch(() => null);
    if (stat === null) return [];
    const head = `${path} ${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid}`;
    if (stat.isDirectory()) {
      const isOpaque = OPAQUE.some((pattern) => pattern.test(path));
      return [`${head} directory`, ...(isOpaque ? [] : await walk(path))];
    }
    if (stat.isSymbolicLink()) return [`${path} -> ${await readlink(join(upper, path))}`];
    if (stat.isCharacterDevice() && stat.rdev === 0) return [`${path} removed`];
    if (!stat.isFile()) return [`${head} special`];
    if (RANDOM.some((pattern) => pattern.test(path))) return [`${head} random`];
    return [`${head} ${toHash(await readFile(join(upper, path)), stands)}`];
  };
  return (await walk('')).sort();
}

/** Units, sockets, processes, mounts and kernel settings of the running host. Modules belong to the machine around it. */
const RUNNING = `set -u
looks=0
# systemd collects the unit of an act a moment after its end.
while [ -n "$(systemctl list-units --all --plain --no-legend 'siteplan-act-*')" ] && [ "$looks" -lt 50 ]; do
  looks=$((looks + 1))
  sleep 0.2
done
systemctl list-unit-files --state=enabled --plain --no-legend | awk '{ print "enabled", $1 }'
systemctl list-units --all --plain --no-legend 'rke2*' 'siteplan*' | awk '{ print "unit", $1, $2, $3, $4 }'
systemctl list-units --failed --plain --no-legend | awk '{ print "failed", $1 }'
ss -Hlntu | awk '{ print "socket", $1, $5 }'
ps -eo args= | grep -E '/(rancher|rke2)' | grep -vE 'grep|list-unit-files' | sed -E 's/^/process /; s/[0-9a-f]{16,64}/ID/g'
awk '$2 ~ /rancher|kubelet/ { print "mount", $2 }' /proc/mounts
printf 'sysctl ip_forward %s\n' "$(cat /proc/sys/net/ipv4/ip_forward)"
`;

/** What runs on the host, a sorted line each. */
export async function listRunning(lab: Lab, host: string, stands: Stands): Promise<string[]> {
  const { code, stdout, stderr } = await lab.exec(host, ['sh', '-c', RUNNING]);
  if (code !== 0) throw new Error(`${host} cannot be looked at: ${stderr}`);
  const named = Object.entries(stands).reduce(
    (text, [found, stand]) => text.replaceAll(found, stand),
    stdout,
  );
  return [...new Set(named.trim().split('\n'))].sort();
}
