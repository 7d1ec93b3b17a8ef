import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand, runOrThrow } from '@/e2e/lab/command';
import { startLab, type Lab } from '@/e2e/lab/lab';
import { checkLabSupport } from '@/e2e/lab/support';
import { watchProcesses } from '@/e2e/support/secret-search';
import { toBareFacts } from '@/lib/bundle/bare-facts';
import { SecretId, SiteId } from '@/lib/core/ids';
import { toShellAssignments } from '@/lib/core/shell-quote';
import type { NodeFacts } from '@/lib/health/facts';
import { FACTS_SCRIPT } from '@/lib/health/facts-script';
import { parseFacts } from '@/lib/health/parse-facts';
import { buildPlan } from '@/lib/plan/build-plan';
import type { Plan, PlanKind } from '@/lib/plan/plan';
import { planWrites } from '@/lib/plan/plan-writes';
import { CLUSTER_CA_COMMAND, toUnpinned } from '@/lib/render/cluster-ca';
import { toSlottedText } from '@/lib/render/secret-slot';
import { packBundle } from '@/lib/services/bundle/pack-bundle';
import { toDefaultTopology } from '@/lib/topology/create-topology';
import { Topology } from '@/lib/topology/topology';

/*
 * A bundle carried to real hosts and run there with nothing but ssh, scp, tar and sh; then Siteplan's own probe and planner look.
 */

const siteId = SiteId.parse('site-by-hand');
const serverToken = { id: SecretId.parse('k-server'), version: 1 };
const agentToken = { id: SecretId.parse('k-agent'), version: 3 };
const SECRETS = [
  { ref: serverToken, name: 'SITEPLAN_SECRET_K_SERVER_V1', value: "a-join'token&of|more$than/32-characters" },
  {
    ref: agentToken,
    name: 'SITEPLAN_SECRET_K_AGENT_V3',
    value: 'another-join-token-of-more-than-32-characters',
  },
];
const CLUSTER_CA = 'SITEPLAN_CLUSTER_CA';
const STEP_LIMIT_MS = 400_000;

describe.skipIf(checkLabSupport() !== null)('a plan run by hand from the bundle', () => {
  let lab: Lab;
  let topology: Topology;
  /** What the first server says of itself once it runs. */
  let clusterCa = '';

  beforeAll(async () => {
    lab = await startLab({
      name: 'bundle',
      hosts: [{ name: 's1' }, { name: 's2' }, { name: 'a1', role: 'agent' }],
    });
    const url = await lab.startMirror();
    const hosts = lab.hosts.map(({ name, role, address }) => ({
      id: `n-${name}`,
      name,
      role,
      internalIp: address,
    }));
    topology = Topology.parse({
      ...toDefaultTopology('custom', hosts),
      registration: { via: 'server' },
      rke2: { artifacts: { from: 'mirror', url } },
      security: { serverToken, agentToken },
    });
  });
  afterAll(() => lab?.stop());

  function toSshArgs(host: string, line: string, more: readonly string[] = []): [string, ...string[]] {
    const found = lab.hosts.find(({ name }) => name === host);
    if (!found) throw new Error(`no host ${host}`);
    const options = ['UserKnownHostsFile=/dev/null', 'StrictHostKeyChecking=no', 'LogLevel=ERROR'];
    const flags = options.flatMap((option) => ['-o', option]);
    return ['ssh', ...more, ...flags, '-i', found.privateKeyPath, `root@${found.address}`, line];
  }
  const ssh = (host: string, line: string, input = '') =>
    runCommand(toSshArgs(host, line), { timeoutMs: STEP_LIMIT_MS, input });

  /** Runs a line on a terminal and types each secret when it is asked for. */
  async function typeSecrets(host: string, line: string) {
    const values = new Map([
      ...SECRETS.map(({ name, value }) => [name, value] as const),
      [CLUSTER_CA, clusterCa],
    ]);
    const [program, ...args] = toSshArgs(host, line, ['-tt']);
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], timeout: STEP_LIMIT_MS });
    let said = '';
    let asked = 0;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
      const prompts = said.match(/SITEPLAN_[A-Z0-9_]+(?= \(is not shown\): )/g) ?? [];
      for (const name of prompts.slice(asked)) {
        asked += 1;
        child.stdin.write(`${values.get(name) ?? ''}\n`);
      }
    });
    const [code] = (await once(child, 'close')) as [number | null]; // the documented arguments of this event
    return { code, said, asked };
  }

  async function readFacts(): Promise<NodeFacts[]> {
    return Promise.all(
      topology.nodes.map(async ({ id, name }) => {
        const sentAtMs = Date.now();
        const variables = { paths: (planWrites(topology).get(id) ?? []).join('\n') };
        const { stdout } = await lab.exec(name, ['sh', '-c', toShellAssignments(variables) + FACTS_SCRIPT]);
        const clock = { sentAtMs, receivedAtMs: Date.now() };
        return parseFacts(stdout, id, clock, (content) =>
          toUnpinned(toSlottedText(content, SECRETS), clusterCa),
        );
      }),
    );
  }

  const planFrom = (kind: PlanKind, facts: readonly NodeFacts[]): Plan =>
    buildPlan({ siteId, topology, revision: 1, kind, facts });

  /** Unpacks the bundle below /root of every host; gives its folder there and the lines of order.txt. */
  async function carry(plan: Plan, isBare: boolean) {
    const { fileName, bytes } = await packBundle({ siteName: 'By hand', topology, plan, isBare });
    const archive = join(lab.dir, fileName);
    await writeFile(archive, bytes);
    const folder = `/root/${fileName.replace('.tar.gz', '')}`;
    for (const { name } of lab.hosts) {
      const packed = bytes.toString('base64');
      const unpacked = await ssh(name, 'base64 -d | tar -xz -C /root', packed);
      expect(unpacked).toMatchObject({ code: 0, stderr: '' });
      const sums = await ssh(name, `cd ${folder} && sha256sum --quiet -c SHA256SUMS`);
      expect(sums).toEqual({ code: 0, stdout: '', stderr: '' });
    }
    const order = await runOrThrow(['tar', '-xzOf', archive, `${fileName.replace('.tar.gz', '')}/order.txt`]);
    const turns = order
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const [, host = '', , after = '', , command = ''] = line.split('\t');
        return { host, after, command };
      });
    return { folder, turns };
  }

  async function follow(
    { folder, turns }: Awaited<ReturnType<typeof carry>>,
    before: (turn: number, host: string) => Promise<void> = async () => undefined,
  ): Promise<string> {
    let said = '';
    for (const [turn, { host, command }] of turns.entries()) {
      await before(turn, host);
      const result = await ssh(host, `cd ${folder} && ${command}`);
      if (result.code !== 0) throw new Error(`${host}: ${command}\n${result.stdout}\n${result.stderr}`);
      said += result.stdout + result.stderr;
    }
    return said;
  }

  it('makes a cluster of bare hosts, with no Siteplan, on which Siteplan then plans nothing', async () => {
    const facts = topology.nodes.map((node) => toBareFacts(topology, node));
    const bundle = await carry(planFrom('apply', facts), true);
    expect(bundle.turns.map(({ host }) => host)).toEqual(['s1', 's2', 'a1', 's1']);
    const check = (host: string) => ssh(host, `cd ${bundle.folder} && sh nodes/${host}/check.sh`);

    // Without secrets the first step that needs one says which, and the host has no file that it should not have.
    const [first] = bundle.turns;
    const stopped = await ssh('s1', `cd ${bundle.folder} && ${first?.command}`);
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toContain(`There is no value of ${SECRETS[0]?.name}.`);
    expect((await ssh('s1', 'ls /etc/rancher/rke2/config.yaml')).code).toBe(2);

    const watch = watchProcesses(() => SECRETS);
    const secrets = SECRETS.map(({ name, value }) => `${name}=${value}\n`).join('');
    for (const { name } of lab.hosts) {
      await ssh(name, `umask 077; cat > ${bundle.folder}/secrets.env`, secrets);
      expect((await check(name)).code, name).toBe(10);
    }
    // As README.txt says: once the first server runs it tells the one value that nobody can know before.
    const said = await follow(bundle, async (turn, host) => {
      if (turn === 0 || host === 's1') return;
      const tooEarly = await ssh(host, `cd ${bundle.folder} && ${bundle.turns[turn]?.command}`);
      expect(tooEarly.stderr).toContain(`There is no value of ${CLUSTER_CA}`);
      clusterCa = (await ssh('s1', CLUSTER_CA_COMMAND)).stdout.trim();
      await ssh(host, `printf '${CLUSTER_CA}=%s\\n' ${clusterCa} >> ${bundle.folder}/secrets.env`);
    });
    expect(clusterCa).toMatch(/^[0-9a-f]{64}$/);
    const joined = await ssh('s2', 'cat /etc/rancher/rke2/config.yaml');
    expect(joined.stdout).toContain(`token: "K10${clusterCa}::server:${SECRETS[0]?.value}"`);
    const { found, looks } = watch.stop();
    expect(found).toEqual([]);
    expect(looks).toBeGreaterThan(100);
    for (const { value } of SECRETS) expect(said.includes(value)).toBe(false);

    expect(planFrom('apply', await readFacts()).steps.map(({ title }) => title)).toEqual([]);
    const kubectl = '/var/lib/rancher/rke2/bin/kubectl --kubeconfig /etc/rancher/rke2/rke2.yaml';
    const nodes = await ssh('s1', `${kubectl} get nodes -o jsonpath='{.items[*].metadata.name}'`);
    expect(nodes.stdout.split(' ').sort()).toEqual(['a1', 's1', 's2']);
    for (const { name } of lab.hosts) {
      const { code, stdout } = await check(name);
      expect(`${code} ${stdout}`, name).toMatch(
        /^0 [^]*\n0 of \d+ steps are to do, 0 could not be probed\n$/,
      );
    }

    // Once more from top to bottom: nothing is done twice.
    const invocations = () =>
      Promise.all(
        lab.hosts.map(({ name, role }) => ssh(name, `systemctl show -p InvocationID rke2-${role}.service`)),
      );
    const before = await invocations();
    const again = await follow(bundle);
    expect(again).not.toMatch(/^done: /m);
    expect(again.match(/^(already so|passed over): /gm)?.length).toBe(planFrom('apply', facts).steps.length);
    expect(await invocations()).toEqual(before);
  });

  it('restarts for a changed drawing what has to be, from the bundle of its plan, with secrets typed on a terminal', async () => {
    topology = Topology.parse({
      ...topology,
      security: { ...topology.security, extraSans: ['k8s.example.net'] },
    });
    const plan = planFrom('apply', await readFacts());
    const bundle = await carry(plan, false);
    expect(bundle.turns.length).toBeGreaterThan(1);
    for (const { host, command } of bundle.turns) {
      const { code, said, asked } = await typeSecrets(host, `cd ${bundle.folder} && ${command}`);
      expect(code, `${host}: ${command}\n${said}`).toBe(0);
      // The step that writes the configuration asks once for each, and the terminal does not show what is typed.
      const wanted = SECRETS.length + (host === 's1' ? 0 : 1);
      expect(asked).toBe(said.includes('config.yaml') ? wanted : 0);
      for (const { value } of SECRETS) expect(said.includes(value)).toBe(false);
    }
    expect(planFrom('apply', await readFacts()).steps.map(({ title }) => title)).toEqual([]);
  });

  it('takes everything off the hosts again, from the bundle of an uninstall plan', async () => {
    const plan = planFrom('uninstall', await readFacts());
    expect(plan.steps.length).toBeGreaterThan(3);
    await follow(await carry(plan, false));
    expect(planFrom('uninstall', await readFacts()).steps.map(({ title }) => title)).toEqual([]);
    for (const { name } of lab.hosts) {
      expect((await ssh(name, 'ls -d /etc/rancher/rke2 /var/lib/rancher/rke2')).code, name).toBe(2);
    }
  });
});
