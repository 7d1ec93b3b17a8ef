import { waitFor } from '@/lib/testing/wait-for';
import type { CommandResult } from '../command';
import { startLab } from '../lab';
import type { Lab, LabHostSpec } from '../lab';

export type NodeRole = 'server' | 'agent';

export const dataDir = '/var/lib/rancher/rke2';
export const configDir = '/etc/rancher/rke2';
export const kubectl = `${dataDir}/bin/kubectl --kubeconfig ${configDir}/rke2.yaml`;
const etcdTls = `${dataDir}/server/tls/etcd`;
/** On a server: etcd's own client, as an administrator of RKE2 uses it. */
export const etcdctl =
  `etcdctl --endpoints=https://127.0.0.1:2379 --cacert=${etcdTls}/server-ca.crt ` +
  `--cert=${etcdTls}/server-client.crt --key=${etcdTls}/server-client.key`;

/** Lab hosts with the stand-in installed, and the few moves that its tests are made of. */
export interface LabCluster {
  lab: Lab;
  addressOf(host: string): string;
  /** Runs a script as root; `text` is all that it printed. */
  shell(host: string, script: string): Promise<CommandResult & { text: string }>;
  /** Runs a script until it exits with 0. */
  waitForShell(host: string, script: string, timeoutMs?: number): Promise<void>;
  /** Writes config.yaml from its lines and starts the service without waiting for it. */
  start(host: string, role: NodeRole, lines: readonly string[]): Promise<void>;
  /** Waits for the service to be up and for `from` to see the node Ready. */
  waitForNode(host: string, role: NodeRole, from: string): Promise<void>;
  /** Waits until the service has written these words to the journal since it was last configured. */
  waitForLog(host: string, role: NodeRole, words: string): Promise<void>;
  /** etcd's members as the one on `host` knows them, by node name. */
  members(host: string): Promise<{ node: string; isLearner: boolean }[]>;
}

/** Boots the hosts and installs the stand-in on all of them; the caller stops the lab. */
export async function startLabCluster(name: string, hosts: readonly LabHostSpec[]): Promise<LabCluster> {
  const lab = await startLab({ name, hosts, bootLimitMs: 300_000 });
  try {
    const mirror = await lab.startMirror();
    const cluster = toLabCluster(lab);
    const url = `${mirror}/v1.35.7%2Brke2r1/rke2.linux-amd64.tar.gz`;
    const install = `set -e; curl -fsS ${url} -o /tmp/rke2.tar.gz; tar xzf /tmp/rke2.tar.gz -C /usr/local; systemctl daemon-reload`;
    for (const host of hosts) {
      const result = await cluster.shell(host.name, install);
      if (result.code !== 0) throw new Error(`${host.name}: ${result.text}`);
    }
    return cluster;
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

function toLabCluster(lab: Lab): LabCluster {
  const shell = async (host: string, script: string) => {
    const result = await lab.exec(host, ['sh', '-c', script]);
    return { ...result, text: result.stdout + result.stderr };
  };
  const waitForShell = async (host: string, script: string, timeoutMs = 180_000) => {
    const isDone = async () => (await shell(host, script)).code === 0;
    await waitFor(isDone, { what: `${host}: ${script}`, timeoutMs, everyMs: 200 });
  };
  return {
    lab,
    shell,
    waitForShell,
    addressOf: (host) => lab.hosts.find((candidate) => candidate.name === host)?.address ?? '',
    start: async (host, role, lines) => {
      const config = `mkdir -p ${configDir} && printf '%s\\n' "$@" > ${configDir}/config.yaml`;
      await lab.exec(host, ['sh', '-c', config, 'sh', ...lines]);
      // waitForLog reads from here on.
      await shell(host, 'journalctl --rotate -q; journalctl --vacuum-time=1s -q');
      // Tests restart faster than the unit's start limit allows.
      await shell(host, `systemctl reset-failed rke2-${role}; systemctl restart --no-block rke2-${role}`);
    },
    waitForNode: async (host, role, from) => {
      await waitForShell(host, `systemctl is-active --quiet rke2-${role}`);
      await waitForShell(from, `${kubectl} wait --for=condition=Ready node/${host} --timeout=5s`);
    },
    waitForLog: (host, role, words) =>
      waitForShell(host, `journalctl -u rke2-${role} -o cat | grep -qF '${words.replaceAll("'", `'\\''`)}'`),
    members: async (host) => {
      const lines = (await shell(host, `${etcdctl} member list`)).stdout.split('\n').filter(Boolean);
      return lines
        .map((line) => line.split(', '))
        .map((fields) => ({
          node: (fields[2] ?? '').replace(/-[0-9a-f]{8}$/, ''),
          isLearner: fields[5] === 'true',
        }))
        .sort((left, right) => left.node.localeCompare(right.node));
    },
  };
}
