import { readFile } from 'node:fs/promises';
import { startLab } from '@/e2e/lab/lab';
import { createEngineRig, RIG_POLICY, type EngineRig } from '@/lib/testing/engine-rig';
import type { TestStep } from '@/lib/testing/ledger-step';
import { startOwnDatabase, type OwnDatabase } from '@/lib/testing/own-database';
import { connectHost, type HostConnection } from '@/lib/ssh/connect-host';
import { scanHostKey } from '@/lib/ssh/scan-host-key';
import type { HostTarget } from '@/lib/ssh/target';
import { startFaultMirror, type FaultMirror } from './fault-mirror';

export const FAULT_NODE = 'n-0';

/** A real host called s1, a mirror beside it, and a database: what the faults are provoked on. */
export interface FaultWorld {
  readonly database: OwnDatabase;
  readonly mirror: FaultMirror;
  /** Address of this machine as the host sees it. */
  readonly gateway: string;
  /** How `root` signs in. */
  readonly root: HostTarget;
  /** How another user signs in, by password. */
  readonly byPassword: (user: string, password: string, sudo: HostTarget['sudo']) => HostTarget;
  /** Password of `opspw`. */
  readonly password: string;
  /** Runs sh text on the host, as root and beside ssh; rejects with what it said where it fails. */
  readonly onHost: (script: string) => Promise<string>;
  /** A connection of root with the patience that the product has with a slow link. */
  readonly connect: () => Promise<HostConnection>;
  readonly rig: (steps: readonly TestStep[], target?: HostTarget) => Promise<EngineRig>;
  readonly stop: () => Promise<void>;
}

/**
 * Users for every way of not getting in, and what a host may do to those who do: a banner, a noisy profile, and a
 * locale that nobody has. Every fault is provoked under these.
 */
const PREPARE = `set -eu
for user in noshell:/usr/sbin/nologin falseshell:/bin/false plain:/bin/bash expired:/bin/bash gone:/bin/bash; do
  name=\${user%%:*}
  useradd --create-home --shell "\${user#*:}" "$name"
  echo "$name:of-$name" | chpasswd
done
chage -d 0 expired
chage -E 0 gone
echo 'This host is watched. Passwort falsch? Permission denied is no joke here.' > /etc/issue.net
printf 'Banner /etc/issue.net\\nSetEnv LC_ALL=xx_YY.UTF-8 LANG=tr_TR.ISO-8859-9\\n' > /etc/ssh/sshd_config.d/20-noise.conf
for home in /root /home/ops /home/opspw /home/plain; do
  printf 'echo "\\033[31mwelcome\\033[0m"; echo "stty: not a terminal" >&2\\n' | cat - "$home/.bashrc" > "$home/.new"
  mv "$home/.new" "$home/.bashrc"
done
systemctl restart ssh
`;

/**
 * A lab of one host with accounts that fail in their own ways, a mirror beside it and a database. Needs root; `stop` ends
 * all of it.
 */
export async function startFaultWorld(): Promise<FaultWorld> {
  const [lab, database] = await Promise.all([
    startLab({ name: 'faults', hosts: [{ name: 's1' }] }),
    startOwnDatabase(),
  ]);
  const [host] = lab.hosts;
  if (!host) throw new Error('the lab has no host');
  const mirror = await startFaultMirror(lab.gateway);
  const onHost = async (script: string) => {
    const { code, stdout, stderr } = await lab.exec(host.name, ['sh', '-c', script]);
    if (code !== 0) throw new Error(`${script}\nended with ${code}: ${stdout}${stderr}`);
    return stdout;
  };
  await onHost(PREPARE);
  const endpoint = { name: host.name, address: host.address, port: host.port };
  const pinned = [await scanHostKey(endpoint, { policy: RIG_POLICY })];
  const privateKey = await readFile(host.privateKeyPath, 'utf8');
  const root: HostTarget = {
    ...endpoint,
    user: 'root',
    auth: { kind: 'key', privateKey },
    sudo: 'none',
    hostKey: { pinned },
  };
  return {
    database,
    mirror,
    gateway: lab.gateway,
    root,
    byPassword: (user, password, sudo) => ({ ...root, user, auth: { kind: 'password', password }, sudo }),
    password: lab.password,
    onHost,
    connect: () => connectHost(root, { policy: RIG_POLICY }),
    rig: (steps, target = root) =>
      createEngineRig(database.worker, [{ nodeId: FAULT_NODE, target, root: '' }], steps),
    stop: async () => {
      await Promise.all([lab.stop(), database.stop(), mirror.stop()]);
    },
  };
}
