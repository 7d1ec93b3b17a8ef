import { randomBytes } from 'node:crypto';
import type { HostTarget } from '@/lib/ssh/target';
import type { EngineRig } from '@/lib/testing/engine-rig';
import type { LabFaultId } from '@/lib/testing/lab-faults';
import { RIG_INSTALLATION } from '@/lib/testing/engine-rig';
import type { TestStep } from '@/lib/testing/ledger-step';
import { waitFor } from '@/lib/testing/wait-for';
import { FAULT_ARCH, FAULT_VERSION, makeForeignProgram } from './fault-mirror';
import { FAULT_NODE, type FaultWorld } from './fault-world';

/** A run that meets the fault; how the host is then made well again, as sh text. */
interface Provoked {
  readonly rig: EngineRig;
  readonly target: HostTarget;
}
export interface Provocation {
  readonly provoke: (world: FaultWorld) => Promise<Provoked>;
  readonly heal: string;
}

const STATE = '/var/lib/siteplan-host';
const UNIT = 'rke2-server.service';

const step = (kind: string, params: Readonly<Record<string, unknown>>): TestStep => ({
  nodeId: FAULT_NODE,
  kind,
  params,
});
const act = (script: string) => step('test.fault', { act: script });
const release = { version: FAULT_VERSION, arch: FAULT_ARCH };
const fetchFrom = (baseUrl: string) =>
  step('artifact.fetch', { ...release, baseUrl, file: `rke2.linux-${FAULT_ARCH}.tar.gz` });
const install = step('rke2.install', { ...release, role: 'server', dropsStamps: [] });
const startServer = step('service.start', { unit: UNIT, stamp: 'a'.repeat(16) });
const writeConfig = step('file.put', {
  path: '/etc/rancher/rke2/config.yaml',
  mode: '0600',
  owner: 'root',
  group: 'root',
  content: 'node-name: s1\n'.repeat(1_000),
  secrets: [],
  dropsStamps: [],
});

/** A run of root with these steps, after the host was prepared by sh text. */
function onHost(
  prepare: string,
  steps: TestStep | ((world: FaultWorld) => readonly TestStep[]),
  heal = '',
): Provocation {
  return {
    heal,
    provoke: async (world) => {
      await world.onHost(`set -eu\n${prepare}`);
      return {
        target: world.root,
        rig: await world.rig(typeof steps === 'function' ? steps(world) : [steps]),
      };
    },
  };
}

/** A run by another login. */
function signIn(to: (world: FaultWorld) => HostTarget, prepare = '', heal = ''): Provocation {
  return {
    heal,
    provoke: async (world) => {
      await world.onHost(`set -eu\n${prepare}`);
      const target = to(world);
      return { target, rig: await world.rig([act(':')], target) };
    },
  };
}

const fill = (dir: string) => `mkdir -p ${dir}; mount -t tmpfs -o size=10m tmpfs ${dir}`;
const full = (dir: string) => `${fill(dir)}; dd if=/dev/zero of=${dir}/filler bs=64k 2>/dev/null || :`;
const readOnly = (dir: string) => `mkdir -p ${dir}; mount -t tmpfs -o ro tmpfs ${dir}`;
const noArtifacts = `rm -rf ${STATE}/artifacts`;
const fetchFault = (to: (world: FaultWorld) => string) =>
  onHost(noArtifacts, (world) => [fetchFrom(to(world))], noArtifacts);
const fence = (text: string) =>
  onHost(`mkdir -p ${STATE}; echo '${text}' > ${STATE}/fence`, act(':'), `rm ${STATE}/fence`);

/** The server's unit with another program in it. */
const unit = (lines: string) => `cat > /etc/systemd/system/${UNIT} <<'END'
[Service]
${lines}
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
`;
const noUnit = `systemctl disable --quiet --now ${UNIT} 2>/dev/null || :
rm -rf /etc/systemd/system/${UNIT} ${STATE}/starting ${STATE}/stamps
systemctl daemon-reload; systemctl reset-failed`;
const squat = (port: number) =>
  onHost(
    `systemd-run --quiet --unit=squatter socat TCP-LISTEN:${port},fork,reuseaddr PIPE
${unit(`Type=notify\nExecStart=/usr/bin/socat TCP-LISTEN:${port},reuseaddr PIPE\nRestart=always\nRestartSec=1`)}
until ss -Hltn | grep -q ':${port} '; do sleep 0.1; done`,
    startServer,
    `systemctl stop squatter\n${noUnit}`,
  );
/** `curl` in place of a server that joins another one by TLS. */
const joinByCurl = ({ mirror }: FaultWorld) => `cat > /root/tomorrow.crt <<'END'
${mirror.tomorrowCertificate}END
${unit(`Type=oneshot\nExecStart=/usr/bin/curl -sS --cacert /root/tomorrow.crt ${mirror.tomorrowUrl}/`)}`;

/** Kills the act for its memory: by a cgroup of version 1 where the host has one, else by systemd's. */
const EAT = `eat='import sys; bytearray(400000000)'
group=/run/memory/siteplan-fault
if [ -d /sys/fs/cgroup/memory ]; then
  mkdir -p /run/memory
  mount -t cgroup -o memory cgroup /run/memory
  mkdir "$group"
  echo 20000000 > "$group/memory.limit_in_bytes"
  echo $$ > "$group/cgroup.procs"
  python3 -c "$eat"
else
  systemd-run --quiet --scope -p MemoryMax=20M -p MemorySwapMax=0 python3 -c "$eat"
fi`;

const LOCK = `systemd-run --quiet --unit=locker python3 -c 'import fcntl, time
lock = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
open("/run/locked", "w").close()
time.sleep(600)'
until [ -f /run/locked ]; do sleep 0.05; done`;

export const PROVOCATIONS: Readonly<Record<LabFaultId, Provocation>> = {
  'dropped-syn': signIn(
    ({ root }) => ({ ...root, port: 2222 }),
    `nft add table inet fault; nft 'add chain inet fault in { type filter hook input priority 0; }'
nft add rule inet fault in tcp dport 2222 drop`,
    'nft delete table inet fault',
  ),
  'closed-port': signIn(({ root }) => ({ ...root, port: 2223 })),
  'unknown-name': signIn(({ root }) => ({ ...root, address: 'no-such-host.invalid', port: 22 })),
  'bad-key': {
    heal: 'rm /root/stranger*',
    provoke: async (world) => {
      const make = 'ssh-keygen -q -t ed25519 -N "" -f /root/stranger && cat /root/stranger';
      const target: HostTarget = {
        ...world.root,
        auth: { kind: 'key', privateKey: await world.onHost(make) },
      };
      return { target, rig: await world.rig([act(':')], target) };
    },
  },
  'bad-password': signIn(({ byPassword }) =>
    byPassword('opspw', randomBytes(9).toString('base64url'), 'nopasswd'),
  ),
  'expired-password': signIn(({ byPassword }) => byPassword('expired', 'of-expired', 'none')),
  'expired-account': signIn(({ byPassword }) => byPassword('gone', 'of-gone', 'none')),
  'nologin-shell': signIn(({ byPassword }) => byPassword('noshell', 'of-noshell', 'none')),
  'false-shell': signIn(({ byPassword }) => byPassword('falseshell', 'of-falseshell', 'none')),
  'sudo-asks': signIn(({ byPassword, password }) => byPassword('opspw', password, 'nopasswd')),
  'sudo-wrong-password': signIn(({ byPassword, password }) =>
    byPassword('opspw', password, { password: 'another one' }),
  ),
  'not-a-sudoer': signIn(({ byPassword }) => byPassword('plain', 'of-plain', { password: 'of-plain' })),
  'sudo-requires-tty': signIn(
    ({ root }) => ({ ...root, user: 'ops', sudo: 'nopasswd' }),
    `echo 'Defaults:ops requiretty' > /etc/sudoers.d/tty`,
    'rm /etc/sudoers.d/tty',
  ),
  'state-disk-full': onHost(full(STATE), act(':'), `umount ${STATE}`),
  'state-read-only': onHost(readOnly(STATE), act(':'), `umount ${STATE}`),
  'another-act-runs': {
    heal: `systemctl stop 'siteplan-act*'; rm -rf ${STATE}/acts`,
    provoke: async (world) => {
      const earlier = await world.rig([
        step('test.ledger', { name: 'earlier', lines: 6_000, pauseS: '0.1' }),
      ]);
      const stop = new AbortController();
      const ended = earlier.execute({ signal: stop.signal, connect: world.connect }).catch(() => undefined);
      const hasBegun = async () => (await earlier.events()).some(({ type }) => type === 'step.output');
      await waitFor(hasBegun, { what: 'the earlier act to run', timeoutMs: 90_000 });
      stop.abort(new Error('its worker is gone'));
      await ended;
      return { target: world.root, rig: await world.rig([act(':')]) };
    },
  },
  'foreign-fence': fence('another-installation 1'),
  'fence-ahead': fence(`${RIG_INSTALLATION} 999999999999`),
  'etc-full': onHost(full('/etc/rancher'), writeConfig, 'umount /etc/rancher'),
  'etc-read-only': onHost(readOnly('/etc/rancher'), writeConfig, 'umount /etc/rancher'),
  'artifacts-full': onHost(
    `${noArtifacts}; ${fill(`${STATE}/artifacts`)}`,
    ({ mirror }) => [fetchFrom(mirror.url('large'))],
    `umount ${STATE}/artifacts`,
  ),
  'artifact-fills-state': onHost(
    fill(STATE),
    ({ mirror }) => [fetchFrom(mirror.url('large'))],
    `umount ${STATE}`,
  ),
  'no-dns-on-host': fetchFault(() => 'http://mirror.invalid'),
  'download-refused': fetchFault(({ gateway }) => `http://${gateway}:9`),
  'download-404': fetchFault(({ mirror }) => mirror.url('missing')),
  'download-untrusted': fetchFault(({ mirror }) => mirror.untrustedUrl),
  'download-slow': fetchFault(({ mirror }) => mirror.url('stalled')),
  'certificate-of-tomorrow': {
    heal: 'umount /etc/ssl/certs/ca-certificates.crt',
    provoke: async (world) => {
      const { tomorrowCertificate, tomorrowUrl } = world.mirror;
      await world.onHost(`cat > /root/trusted.crt <<'END'\n${tomorrowCertificate}END
mount --bind /root/trusted.crt /etc/ssl/certs/ca-certificates.crt; ${noArtifacts}`);
      return { target: world.root, rig: await world.rig([fetchFrom(tomorrowUrl)]) };
    },
  },
  'join-before-certificate': {
    heal: noUnit,
    provoke: async (world) => {
      await world.onHost(joinByCurl(world));
      return { target: world.root, rig: await world.rig([startServer]) };
    },
  },
  'checksum-mismatch': fetchFault(({ mirror }) => mirror.url('damaged')),
  'busy-6443': squat(6443),
  'busy-9345': squat(9345),
  'unit-fails': onHost(
    unit('Type=notify\nExecStart=/bin/sh -c "echo the server does not take this name; exit 1"'),
    startServer,
    noUnit,
  ),
  'oom-kill': onHost(
    '',
    act(EAT),
    'if [ -d /run/memory ]; then rmdir /run/memory/siteplan-fault; umount /run/memory; fi',
  ),
  'allocation-fails': onHost('', act('ulimit -v 200000; dd if=/dev/zero of=/dev/null bs=500M count=1')),
  'package-lock': onHost(LOCK, act('apt-get -y install nginx-full'), 'systemctl stop locker; rm /run/locked'),
  'apt-asks': onHost('', act('apt-get remove curl')),
  'program-asks-terminal': onHost('', act('read -r answer < /dev/tty')),
  'noexec-tmp': onHost(
    `mount -t tmpfs -o noexec tmpfs /tmp; printf '#!/bin/sh\\n' > /tmp/program; chmod 755 /tmp/program`,
    act('/tmp/program'),
    'umount /tmp',
  ),
  'noexec-prefix': onHost(
    'for at in /usr/local /opt; do mount -t tmpfs -o noexec tmpfs $at; done',
    ({ mirror }) => [fetchFrom(mirror.url('good')), install],
    `umount /usr/local /opt; rm -rf ${STATE}/artifacts ${STATE}/stamps`,
  ),
  'foreign-program': onHost(
    `echo ${makeForeignProgram().toString('base64')} | tr -d ' ' | base64 -d > /root/foreign; chmod 755 /root/foreign`,
    act('/root/foreign'),
    'rm /root/foreign',
  ),
  'foreign-release': onHost(
    noArtifacts,
    ({ mirror }) => [fetchFrom(mirror.url('foreign')), install],
    `${noArtifacts} ${STATE}/stamps`,
  ),
};
