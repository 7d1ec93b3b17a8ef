import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { startLab, type Lab } from '@/e2e/lab/lab';
import { buildArtifacts } from '@/e2e/lab/rke2/artifacts';
import { checkLabSupport } from '@/e2e/lab/support';
import { createCliRig, type CliRig } from '@/lib/testing/cli-rig';
import { findFreePort } from '@/lib/testing/find-free-port';
import {
  makeDataDir,
  removeDataDir,
  startSiteplan,
  waitUntilReady,
  type SiteplanProcess,
} from '@/lib/testing/siteplan-process';
import { waitFor } from '@/lib/testing/wait-for';
import type { ApiClient } from './support/api-client';
import { ADMIN, createThinSite, passChecks, plan, RKE2_VERSION, signInByToken } from './support/thin-site';

/** Lets the host answer and begin nothing: no mirror, no internet, no name server. */
const CUT_OFF = `nft -f - <<'END'
table inet cut {
  chain out {
    type filter hook output priority 0; policy drop;
    ct state established,related accept
    fib daddr type local accept
  }
}
END`;

describe.skipIf(checkLabSupport() !== null)('a host that reaches nothing', () => {
  const dataDir = makeDataDir();
  let lab: Lab;
  let siteplan: SiteplanProcess;
  let cli: CliRig;
  let api: ApiClient;

  beforeAll(async () => {
    [lab, cli] = await Promise.all([
      startLab({ name: 'pushed', hosts: [{ name: 's1' }] }),
      createCliRig({ SITEPLAN_DATA_DIR: dataDir }),
    ]);
    siteplan = await startSiteplan({
      dataDir,
      port: await findFreePort(),
      env: { SITEPLAN_ADMIN_EMAIL: ADMIN.email, SITEPLAN_ADMIN_PASSWORD: ADMIN.password },
    });
    await waitUntilReady(siteplan);
    ({ api } = await signInByToken(siteplan));
  });
  afterAll(async () => {
    await siteplan?.stop();
    await lab?.stop();
    await cli?.stop();
    removeDataDir(dataDir);
  });

  it('becomes a Ready server with files that were added to Siteplan by hand', async () => {
    onTestFailed(() => void process.stderr.write(siteplan.output().slice(-6_000)));
    const [host] = lab.hosts;
    if (!host) throw new Error('no host');
    const folder = await buildArtifacts(`${lab.dir}/carried`);
    expect(await cli.run(['artifacts', 'add', folder])).toMatchObject({ code: 0, stderr: '' });
    expect((await lab.exec('s1', ['sh', '-c', CUT_OFF])).code).toBe(0);
    expect((await lab.exec('s1', ['ping', '-c', '1', '-W', '1', lab.gateway])).code).not.toBe(0);

    const siteId = await createThinSite(api, host, null, 'pushed');
    await passChecks(api, siteId);
    const { planId, problems } = await plan(api, siteId);
    expect(problems).toEqual([]);
    const { id: runId } = (await api.call('POST', `/plans/${planId}/run`)) as { id: string };
    const run = await api.waitForRun(runId);
    if (run.state !== 'done') throw new Error(JSON.stringify((await api.events(runId)).slice(-8), null, 1));
    const version = await lab.exec('s1', ['/usr/local/bin/rke2', '--version']);
    expect(version.stdout).toContain(RKE2_VERSION);
    const images = await lab.exec('s1', ['ls', '/var/lib/rancher/rke2/agent/images']);
    expect(images.stdout.trim().split('\n').sort()).toEqual([
      'rke2-images-cilium.linux-amd64.tar.zst',
      'rke2-images-core.linux-amd64.tar.zst',
    ]);
    const incoming = await lab.exec('s1', ['ls', '-A', '/var/lib/siteplan-host/incoming']);
    expect(incoming).toMatchObject({ code: 0, stdout: '' });
    expect(await plan(api, siteId)).toMatchObject({ steps: 0, problems: [] });
    await waitFor(
      async () => {
        const { now } = (await api.call('GET', `/sites/${siteId}/health`)) as {
          now: { state: string } | null;
        };
        return now?.state === 'healthy';
      },
      { what: 'the site to be healthy', timeoutMs: 60_000, everyMs: 500 },
    );
  });
});
