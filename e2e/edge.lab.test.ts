import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { startLab, type Lab } from '@/e2e/lab/lab';
import { checkLabSupport } from '@/e2e/lab/support';
import { makeDataDir, removeDataDir, type SiteplanProcess } from '@/lib/testing/siteplan-process';
import type { ApiClient } from './support/api-client';
import { createManySite, RUN_TEST_LIMIT_MS, toNode } from './support/ha-site';
import { startSiteplanBeside } from './support/siteplan-beside-lab';
import { plan } from './support/thin-site';

const HOSTS = [
  { name: 's1', role: 'server' },
  { name: 'a1', role: 'agent' },
  { name: 'a2', role: 'agent' },
] as const;
const CILIUM_PATH = '/var/lib/rancher/rke2/server/manifests/rke2-cilium-config.yaml';

// Tailscale itself cannot be had in a lab: the hosts count as joined already, each with an address of the tailnet.
describe.skipIf(checkLabSupport() !== null)('an edge site of three', { timeout: RUN_TEST_LIMIT_MS }, () => {
  let lab: Lab;
  let siteplan: SiteplanProcess;
  let api: ApiClient;
  let site: Awaited<ReturnType<typeof createManySite>>;
  const dataDir = makeDataDir();
  const tailnetOf = (address: string) => address.replace(/^10\.213\./, '100.64.');

  beforeAll(async () => {
    lab = await startLab({ name: 'edge-site', hosts: HOSTS });
    for (const { name, address } of lab.hosts) {
      const added = await lab.exec(name, ['ip', 'addr', 'add', `${tailnetOf(address)}/24`, 'dev', 'host0']);
      if (added.code !== 0) throw new Error(added.stderr);
    }
    const beside = await startSiteplanBeside(lab, dataDir);
    ({ siteplan, api } = beside);
    site = await createManySite(api, {
      name: 'edge',
      hosts: lab.hosts,
      mirrorUrl: beside.mirrorUrl,
      more: {
        pattern: 'edge',
        edge: { relaxedTimers: true, tailscale: { enabled: true, tags: ['tag:edge'] } },
      },
      toNode: (host, credentialId) => ({
        ...toNode(host, credentialId),
        internalIp: tailnetOf(host.address),
      }),
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

  it('is one server and two agents on addresses of the tailnet, and then there is nothing to do', async () => {
    tellOnFailure();
    const { titles } = await site.apply();
    const server = titles.indexOf('s1 rke2.ready');
    for (const name of ['a1', 'a2']) {
      expect(titles.indexOf(`${name} service.start`), name).toBeGreaterThan(server);
    }
    expect(titles.at(-1)).toBe('s1 cluster.verify');
    expect(await plan(api, site.siteId)).toMatchObject({ steps: 0, problems: [] });
    const { stdout } = await lab.exec('s1', [
      '/var/lib/rancher/rke2/bin/kubectl',
      '--kubeconfig',
      '/etc/rancher/rke2/rke2.yaml',
      'get',
      'nodes',
      '-o',
      'jsonpath={range .items[*]}{.metadata.name} {.status.addresses[?(@.type=="InternalIP")].address}{"\\n"}{end}',
    ]);
    const expected = lab.hosts.map(({ name, address }) => `${name} ${tailnetOf(address)}`);
    expect(stdout.trim().split('\n').sort()).toEqual(expected.sort());
    expect((await lab.exec('s1', ['cat', CILIUM_PATH])).stdout).toMatch(/operator:\n\s+replicas: 1\n/);
  });

  it('gives a kubeconfig that works from its other hosts', async () => {
    tellOnFailure();
    const kubeconfig = await site.kubeconfig();
    const [server] = lab.hosts;
    expect(kubeconfig).toContain(`server: https://${tailnetOf(server?.address ?? '')}:6443`);
    const command = 'cat > /run/kubeconfig; kubectl --kubeconfig /run/kubeconfig get --raw /readyz';
    expect((await lab.exec('a1', ['sh', '-c', command], { input: kubeconfig })).stdout).toBe('ok');
  });

  it('is taken off its hosts again', async () => {
    tellOnFailure();
    const { titles } = await site.apply('uninstall');
    expect(titles.filter((title) => title.endsWith(' rke2.uninstall')).at(-1)).toBe('s1 rke2.uninstall');
    for (const { name } of lab.hosts) {
      const left = 'ls -d /usr/local/bin/rke2 /etc/rancher/rke2 /var/lib/rancher/rke2 2>/dev/null; :';
      expect((await lab.exec(name, ['sh', '-c', left])).stdout, name).toBe('');
    }
    expect(await plan(api, site.siteId, 'uninstall')).toMatchObject({ steps: 0, problems: [] });
  });
});
