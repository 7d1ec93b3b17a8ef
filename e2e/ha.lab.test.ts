import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { startLab, type Lab, type LabHost } from '@/e2e/lab/lab';
import { labPatterns } from '@/e2e/lab/patterns';
import { checkLabSupport } from '@/e2e/lab/support';
import { makeDataDir, removeDataDir, type SiteplanProcess } from '@/lib/testing/siteplan-process';
import { waitFor } from '@/lib/testing/wait-for';
import type { ApiClient } from './support/api-client';
import {
  createManySite,
  createReadyProbe,
  findHolders,
  RUN_TEST_LIMIT_MS,
  startProber,
  toNode,
} from './support/ha-site';
import { startSiteplanBeside } from './support/siteplan-beside-lab';
import { plan } from './support/thin-site';

const BALANCERS = ['lb1', 'lb2'];
const SERVERS = ['s1', 's2', 's3'];
/** What every host of the cluster is left without by an uninstall, and every load balancer. */
const LEFT_BY_RKE2 =
  'ls -d /usr/local/bin/rke2 /etc/rancher/rke2 /etc/rancher/node /var/lib/rancher/rke2 /etc/sysctl.d/90-siteplan-rke2.conf 2>/dev/null; :';
const LEFT_BY_BALANCER =
  'ls -d /etc/keepalived/keepalived.conf /etc/nginx/modules-enabled/90-siteplan-stream.conf 2>/dev/null; systemctl is-active nginx keepalived; systemctl is-enabled nginx keepalived; command -v nginx; command -v keepalived; :';

// In order: each test goes on where the one before it ended.
describe.skipIf(checkLabSupport() !== null)('eight bare hosts', { timeout: RUN_TEST_LIMIT_MS }, () => {
  let lab: Lab;
  let siteplan: SiteplanProcess;
  let api: ApiClient;
  let site: Awaited<ReturnType<typeof createManySite>>;
  let isReady: () => Promise<boolean>;
  const dataDir = makeDataDir();

  beforeAll(async () => {
    lab = await startLab({ name: 'ha-site', hosts: labPatterns['ha'] ?? [] });
    const beside = await startSiteplanBeside(lab, dataDir);
    ({ siteplan, api } = beside);
    site = await createManySite(api, {
      name: 'ha',
      hosts: lab.hosts.filter(({ name }) => name !== 'a3'),
      mirrorUrl: beside.mirrorUrl,
      more: {
        pattern: 'ha',
        registration: { via: 'vip', vip: lab.vip, loadBalancer: 'managed', interface: 'host0' },
        network: { nodeCidr: `${lab.gateway.replace(/\d+$/, '0')}/24` },
      },
    });
  });
  afterAll(async () => {
    await siteplan?.stop();
    await lab?.stop();
    removeDataDir(dataDir);
  });
  const tellOnFailure = () =>
    onTestFailed(() => {
      process.stderr.write(siteplan.output().slice(-6_000));
    });

  function hostNamed(name: string): LabHost {
    const host = lab.hosts.find((candidate) => candidate.name === name);
    if (!host) throw new Error(`no host ${name}`);
    return host;
  }

  const kubectl = async (...args: string[]) => {
    const path = '/var/lib/rancher/rke2/bin/kubectl';
    const argv = [path, '--kubeconfig', '/etc/rancher/rke2/rke2.yaml', '--request-timeout=5s', ...args];
    return (await lab.exec('s1', argv)).stdout;
  };
  const expectSettled = async () =>
    expect(await plan(api, site.siteId)).toMatchObject({ steps: 0, problems: [] });
  const expectHealthy = async () => {
    let seen: unknown;
    await waitFor(
      async () => {
        const { now } = (await api.call('GET', `/sites/${site.siteId}/health`)) as {
          now: { state: string } | null;
        };
        seen = now;
        return now?.state === 'healthy';
      },
      { what: 'the site to be healthy', timeoutMs: 90_000, everyMs: 500 },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${JSON.stringify(seen)}`);
    });
  };

  it('become a highly available cluster, load balancers first and servers one at a time', async () => {
    tellOnFailure();
    const { titles } = await site.apply();
    const at = (title: string) => {
      expect(titles, title).toContain(title);
      return titles.indexOf(title);
    };
    const order = [
      'lb1 service.start',
      'lb1 lb.ready',
      'lb2 lb.ready',
      's1 service.start',
      's1 rke2.ready',
      's2 service.start',
      's2 rke2.ready',
      's3 service.start',
      's3 rke2.ready',
    ];
    expect([...order].sort((a, b) => at(a) - at(b))).toEqual(order);
    for (const agent of ['a1', 'a2'])
      expect(at(`${agent} service.start`)).toBeGreaterThan(at('s3 rke2.ready'));
    expect(titles.at(-1)).toBe('s1 cluster.verify');
    await expectSettled();
    await expectHealthy();
    expect(await findHolders(lab, BALANCERS, lab.vip)).toHaveLength(1);
  });

  it('answer /readyz through the virtual IP with the kubeconfig of the download', async () => {
    tellOnFailure();
    const kubeconfig = await site.kubeconfig();
    expect(kubeconfig).toContain(`server: https://${lab.vip}:6443`);
    isReady = createReadyProbe(kubeconfig);
    expect(await isReady()).toBe(true);
    // From a host that is no part of the cluster, with a kubectl of its own.
    const command = 'cat > /run/kubeconfig; kubectl --kubeconfig /run/kubeconfig get --raw /readyz';
    const { stdout } = await lab.exec('a3', ['sh', '-c', command], { input: kubeconfig });
    expect(stdout).toBe('ok');
  });

  it('take another agent, and nothing else is touched', async () => {
    tellOnFailure();
    await site.edit((topology) => ({
      ...topology,
      nodes: [...topology.nodes, toNode(hostNamed('a3'), site.credentialId)],
    }));
    await site.trust([hostNamed('a3')]);
    const { titles } = await site.apply();
    expect(new Set(titles.map((title) => title.split(' ')[0]))).toEqual(new Set(['a3', 's1']));
    expect(titles.filter((title) => title.startsWith('s1'))).toEqual(['s1 cluster.verify']);
    await expectSettled();
  });

  it('take a changed SAN one server at a time, with the API through the virtual IP all the while', async () => {
    tellOnFailure();
    await site.edit((topology) => ({
      ...topology,
      security: { ...(topology['security'] as object), extraSans: ['k8s.example.net'] },
    }));
    const prober = startProber(isReady);
    const { titles } = await site.apply();
    const report = await prober.stop();
    process.stdout.write(`API through the VIP while a SAN changed: ${JSON.stringify(report)}\n`);
    const each = (name: string) => [`${name} file.put`, `${name} service.restart`, `${name} rke2.ready`];
    expect(titles).toEqual([...SERVERS.flatMap(each), 's1 cluster.verify']);
    expect(report.probes).toBeGreaterThan(20);
    expect(report.longestRun).toBeLessThanOrEqual(50);
    const { stdout } = await lab.exec('a3', [
      'sh',
      '-c',
      `openssl s_client -connect ${lab.vip}:6443 </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName`,
    ]);
    expect(stdout).toContain('DNS:k8s.example.net');
    await expectSettled();
  });

  it('are not touched for values that a running cluster cannot take', async () => {
    tellOnFailure();
    const change = (clusterCidr: string) =>
      site.edit((topology) => ({
        ...topology,
        network: { ...(topology['network'] as object), clusterCidr },
      }));
    await change('10.52.0.0/16');
    const { planId, problems } = await plan(api, site.siteId);
    expect(planId).toBeNull();
    expect(problems).toHaveLength(3);
    expect(problems[0]?.message).toBe(
      's1 runs with cluster-cidr 10.42.0.0/16, the topology asks for 10.52.0.0/16.',
    );
    await change('10.42.0.0/16');
    await expectSettled();
  });

  it('keep answering when nginx stops on the load balancer that holds the virtual IP', async () => {
    tellOnFailure();
    const [holder = ''] = await findHolders(lab, BALANCERS, lab.vip);
    const prober = startProber(isReady);
    await lab.exec(holder, ['systemctl', 'stop', 'nginx']);
    await waitFor(async () => !(await findHolders(lab, BALANCERS, lab.vip)).includes(holder), {
      what: 'the virtual IP to move',
      timeoutMs: 60_000,
    });
    await waitFor(isReady, { what: 'the API to answer again', timeoutMs: 60_000 });
    const report = await prober.stop();
    process.stdout.write(`API through the VIP while nginx stopped on ${holder}: ${JSON.stringify(report)}\n`);
    expect(report.longestRun).toBeLessThanOrEqual(150);
    const { titles } = await site.apply();
    expect(titles).toEqual([`${holder} service.start`, `${holder} lb.ready`, 's1 cluster.verify']);
    await expectSettled();
  });

  it('lose a server and get it back', async () => {
    tellOnFailure();
    const readyOf = (name: string) =>
      kubectl('get', 'node', name, '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}');
    await lab.failHost('s2');
    await waitFor(isReady, { what: 'the API to answer without s2', timeoutMs: 60_000 });
    await waitFor(async () => (await readyOf('s2')) !== 'True', {
      what: 'the cluster to notice',
      timeoutMs: 120_000,
      everyMs: 500,
    });
    expect(await kubectl('get', '--raw', '/readyz')).toBe('ok');
    await lab.healHost('s2');
    await waitFor(async () => (await readyOf('s2')) === 'True', {
      what: 's2 to be Ready again',
      timeoutMs: 120_000,
      everyMs: 500,
    });
    await expectHealthy();
    await expectSettled();
  });

  it('are left by an uninstall as the scripts promise, agents first and load balancers last', async () => {
    tellOnFailure();
    const { titles } = await site.apply('uninstall');
    const uninstalls = titles.filter((title) => title.endsWith(' rke2.uninstall'));
    expect(uninstalls.slice(0, 3).sort()).toEqual(['a1', 'a2', 'a3'].map((name) => `${name} rke2.uninstall`));
    expect(uninstalls.slice(3)).toEqual([...SERVERS].reverse().map((name) => `${name} rke2.uninstall`));
    const stops = titles.filter((title) => title.endsWith(' service.stop'));
    expect([...stops].sort()).toEqual(
      BALANCERS.flatMap((name) => [`${name} service.stop`, `${name} service.stop`]),
    );
    expect(titles.indexOf(stops[0] ?? '')).toBeGreaterThan(titles.indexOf('s1 rke2.uninstall'));
    for (const { name } of lab.hosts.filter(({ role }) => role !== 'lb')) {
      expect((await lab.exec(name, ['sh', '-c', LEFT_BY_RKE2])).stdout, name).toBe('');
    }
    for (const name of BALANCERS) {
      const { stdout } = await lab.exec(name, ['sh', '-c', LEFT_BY_BALANCER]);
      expect(stdout.split('\n').slice(0, 4), name).toEqual(['inactive', 'inactive', 'disabled', 'disabled']);
      expect(stdout, name).toMatch(/\/nginx\n.*\/keepalived\n$/);
    }
    expect(await findHolders(lab, BALANCERS, lab.vip)).toEqual([]);
    expect(await plan(api, site.siteId, 'uninstall')).toMatchObject({ steps: 0, problems: [] });
  });
});
