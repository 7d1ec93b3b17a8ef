import type { Lab } from '@/e2e/lab/lab';
import { etcdctl, kubectl } from '@/e2e/lab/rke2/lab-cluster';
import { findHolders } from '@/e2e/support/ha-site';
import { RKE2_VERSION } from '@/e2e/support/thin-site';
import { waitFor } from '@/lib/testing/wait-for';

const NODES =
  '{range .items[*]}{.metadata.name} {.status.nodeInfo.kubeletVersion} ready={.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
const UNITS = ['nginx', 'keepalived', 'rke2-server', 'rke2-agent'];

function namesOf(lab: Lab, role: string): string[] {
  return lab.hosts.filter((host) => host.role === role).map(({ name }) => name);
}

/** What a lab of the HA pattern must be after its creation, a line per fact. */
export function toWantedCluster(lab: Lab): string[] {
  const [servers, agents, balancers] = ['server', 'agent', 'lb'].map((role) => namesOf(lab, role));
  const units = (names: readonly string[] = [], running: readonly string[]) =>
    names.map((name) => `${name} runs ${UNITS.filter((unit) => running.includes(unit)).join(' ')}`);
  return [
    ...[...(servers ?? []), ...(agents ?? [])].map((name) => `node ${name} ${RKE2_VERSION} ready=True`),
    ...(servers ?? []).map((name) => `etcd ${name} votes`),
    ...units(servers, ['rke2-server']),
    ...units(agents, ['rke2-agent']),
    ...units(balancers, ['nginx', 'keepalived']),
    'the virtual IP is held by 1 host',
    'the virtual IP answers ok',
  ].sort();
}

/** The same of the hosts as they are, looked at from the first server and from each host itself. */
async function readCluster(lab: Lab): Promise<string[]> {
  const shell = async (name: string, script: string) => {
    const { stdout, stderr } = await lab.exec(name, ['sh', '-c', script]);
    return (stdout || `nothing: ${stderr}`).trim().split('\n');
  };
  const [first = ''] = namesOf(lab, 'server');
  const nodes = await shell(first, `${kubectl} get nodes -o jsonpath='${NODES}'`);
  const members = (await shell(first, `${etcdctl} member list`)).map((line) => line.split(', '));
  // RKE2 names a member by its node and eight hexadecimal digits.
  const voters = members.map(([, state, name = '', , , isLearner]) => {
    const isVoter = state === 'started' && isLearner === 'false';
    return `etcd ${name.replace(/-[0-9a-f]{8}$/, '')} ${isVoter ? 'votes' : `is ${state}, learner ${isLearner}`}`;
  });
  const units = await Promise.all(
    lab.hosts.map(async ({ name }) => {
      const script = `for unit in ${UNITS.join(' ')}; do systemctl is-active --quiet $unit && echo $unit; done; :`;
      return `${name} runs ${(await shell(name, script)).join(' ')}`;
    }),
  );
  const holders = await findHolders(lab, namesOf(lab, 'lb'), lab.vip);
  const answer = await shell(
    first,
    `${kubectl} --server https://${lab.vip}:6443 --request-timeout=5s get --raw /readyz`,
  );
  return [
    ...nodes.map((line) => `node ${line}`),
    ...voters,
    ...units,
    `the virtual IP is held by ${holders.length} host${holders.length === 1 ? '' : 's'}`,
    `the virtual IP answers ${answer.join(' ')}`,
  ].sort();
}

/** A line for everything in which the cluster of these hosts is not what every creation must come to. */
export async function findClusterFaults(lab: Lab): Promise<string[]> {
  const wanted = toWantedCluster(lab);
  let found: string[] = [];
  const isSame = async () => {
    found = await readCluster(lab);
    return found.join('\n') === wanted.join('\n');
  };
  await waitFor(isSame, { what: 'the same cluster', timeoutMs: 20_000, everyMs: 500 }).catch(() => undefined);
  return [
    ...wanted.filter((line) => !found.includes(line)).map((line) => `the cluster lacks: ${line}`),
    ...found.filter((line) => !wanted.includes(line)).map((line) => `the cluster has: ${line}`),
  ];
}
