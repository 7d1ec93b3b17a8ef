import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkLabSupport } from '../support';
import { configDir, dataDir, kubectl, startLabCluster } from './lab-cluster';
import type { LabCluster } from './lab-cluster';

const snapshots = `${dataDir}/server/db/snapshots`;
const tls = `${dataDir}/server/tls`;
const otherToken = 'bootstrap data already found and encrypted with different token';

describe.skipIf(checkLabSupport() !== null)('the stand-in rke2, day two', () => {
  let on: LabCluster;
  const first = (token: string) => [`token: ${token}`, 'agent-token: agent-token', 'cni: cilium'];
  const second = (token: string) => [...first(token), `server: https://${on.addressOf('s1')}:9345`];
  const voters = (...nodes: string[]) => nodes.map((node) => ({ node, isLearner: false }));
  const labelOf = (name: string) => `${kubectl} get node a1 -o jsonpath='{.metadata.labels.${name}}'`;
  const newest = async (prefix: string) =>
    (await on.shell('s1', `ls ${snapshots} | grep '^${prefix}-' | tail -1`)).stdout.trim();

  beforeAll(async () => {
    on = await startLabCluster(
      'day-two',
      ['s1', 's2', 'a1'].map((name) => ({ name })),
    );
    await on.start('s1', 'server', first('old-token'));
    await on.waitForNode('s1', 'server', 's1');
    await on.start('a1', 'agent', ['token: agent-token', `server: https://${on.addressOf('s1')}:9345`]);
    await on.start('s2', 'server', second('old-token'));
    await on.waitForNode('s2', 'server', 's1');
    await on.waitForNode('a1', 'agent', 's1');
  });
  afterAll(() => on?.lab.stop());

  it('saves, lists, prunes and deletes snapshots', async () => {
    expect((await on.shell('s1', 'rke2 etcd-snapshot save --name=keep')).stdout).toMatch(
      /^Snapshot keep-s1-\d+ saved\.\n$/,
    );
    const shown = (await on.shell('s1', `${kubectl} get etcdsnapshotfiles.k3s.cattle.io -o name`)).stdout;
    expect(shown).toMatch(/^etcdsnapshotfile\.k3s\.cattle\.io\/local-keep-s1-\d+\n$/);
    // Their names, not their times, say which is older.
    await on.shell('s1', `for n in 1 2 3; do cp ${snapshots}/keep-s1-* ${snapshots}/many-s1-$n; done`);
    await on.shell('s1', 'rke2 etcd-snapshot prune --name many --snapshot-retention 2');
    const listed = JSON.parse((await on.shell('s1', 'rke2 etcd-snapshot ls -o json')).stdout) as {
      name: string;
    }[];
    expect(listed.map(({ name }) => name)).toEqual([
      'many-s1-2',
      'many-s1-3',
      expect.stringMatching(/^keep-s1-/),
    ]);
    expect((await on.shell('s1', 'rke2 etcd-snapshot delete many-s1-2 many-s1-9')).text).toContain(
      'snapshot many-s1-9 not found',
    );
    await on.shell('s1', 'rke2 etcd-snapshot delete many-s1-2 many-s1-3');
    expect((await on.shell('s1', `ls ${snapshots}`)).stdout).toMatch(/^keep-s1-\d+\n$/);
    expect((await on.shell('s1', 'rke2 etcd-snapshot save --s3')).text).toContain('does not have it');
  });

  it('keeps etcd running over a restart of the service', async () => {
    const etcd = async () => (await on.shell('s2', 'pgrep -x etcd')).stdout;
    const before = await etcd();
    expect(before).toMatch(/^\d+\n$/);
    await on.shell('s2', 'systemctl restart rke2-server');
    expect(await etcd()).toBe(before);
  });

  it('rotates certificates with their keys, all or those of a service', async () => {
    const sums = async () => {
      const text = (
        await on.shell('s2', `cd ${tls} && sha256sum client-admin.key etcd/client.key server-ca.key`)
      ).stdout;
      return text.split('\n').map((line) => line.slice(0, 64));
    };
    const [admin, etcd, ca] = await sums();
    expect((await on.shell('s2', 'rke2 certificate rotate --service admin,nonsense')).text).toContain(
      'nonsense is not a recognized service',
    );
    await on.shell('s2', 'systemctl stop rke2-server && rke2 certificate rotate --service admin');
    await on.shell('s2', 'systemctl start rke2-server');
    const [newAdmin, sameEtcd, sameCa] = await sums();
    expect(newAdmin).not.toBe(admin);
    expect([sameEtcd, sameCa]).toEqual([etcd, ca]);
    await on.shell(
      's2',
      'systemctl stop rke2-server && rke2 certificate rotate && systemctl start rke2-server',
    );
    const [, newEtcd, stillCa] = await sums();
    expect(newEtcd).not.toBe(etcd);
    expect(stillCa).toBe(ca);
    await on.waitForNode('s2', 'server', 's2');
    expect((await on.shell('s2', 'rke2 certificate check')).stdout).toMatch(
      /^etcd-?.*|client\.crt +CN=etcd-client/m,
    );
    expect((await on.shell('a1', 'rke2 certificate check')).stdout).toMatch(/^client-kubelet\.crt .* OK$/m);
  });

  it('rotates the token, after which a server with the old one does not start', async () => {
    const rotate = (old: string) => on.shell('s1', `rke2 token rotate --token ${old} --new-token new-token`);
    expect((await rotate('nonsense')).text).toContain('401 Unauthorized');
    expect((await rotate('old-token')).stdout).toContain('Token rotated, restart rke2 nodes with new token');
    await on.start('s2', 'server', second('old-token'));
    await on.waitForLog('s2', 'server', otherToken);
    await on.start('s1', 'server', first('new-token'));
    await on.waitForNode('s1', 'server', 's1');
    await on.start('s2', 'server', second('new-token'));
    await on.waitForNode('s2', 'server', 's1');
    expect((await on.shell('s2', `cat ${dataDir}/server/token`)).stdout).toMatch(/::server:new-token\n$/);
  });

  it('restores a snapshot as the only member, after which the other server joins again', async () => {
    await on.shell('s1', `${kubectl} label node a1 saved=yes`);
    await on.shell('s1', 'rke2 etcd-snapshot save --name good');
    await on.shell('s1', `${kubectl} label node a1 later=yes`);
    const reset = (path: string) =>
      on.shell('s1', `timeout 120 rke2 server --cluster-reset --cluster-reset-restore-path=${path}`);
    expect((await reset(`${snapshots}/${await newest('good')}`)).text).toContain('address already in use');
    await on.shell('s2', 'rke2-killall.sh');
    await on.shell('s1', 'systemctl stop rke2-server');
    expect((await reset('/nowhere')).text).toContain('etcd: snapshot path does not exist: /nowhere');
    // It was taken before the token was rotated.
    expect((await reset(`${snapshots}/${await newest('keep')}`)).text).toContain(otherToken);
    const done = await reset(`${snapshots}/${await newest('good')}`);
    expect(done.text).toContain('Managed etcd cluster membership has been reset');
    expect(done.code).toBe(0);
    expect((await on.shell('s1', 'timeout 60 rke2 server --cluster-reset')).text).toContain(
      'cluster-reset was successfully performed, please remove the cluster-reset flag and start rke2 normally',
    );
    await on.shell('s1', 'systemctl start --no-block rke2-server');
    await on.waitForNode('s1', 'server', 's1');
    expect(await on.members('s1')).toEqual(voters('s1'));
    expect((await on.shell('s1', `${labelOf('saved')}; echo; ${labelOf('later')}`)).stdout).toBe('yes\n');
    await on.shell('s2', `rm -rf ${dataDir}/server/db`);
    await on.start('s2', 'server', second('new-token'));
    await on.waitForNode('s2', 'server', 's1');
    expect(await on.members('s1')).toEqual(voters('s1', 's2'));
  });

  it('has no API without a quorum, until the membership is reset', async () => {
    await on.lab.failHost('s2', 'power-off');
    const readyz = `${kubectl} --request-timeout=10s get --raw /readyz`;
    await on.waitForShell('s1', `! ${readyz}`);
    await on.shell('s1', 'systemctl stop rke2-server');
    const done = await on.shell('s1', 'timeout 120 rke2 server --cluster-reset');
    expect(done.code, done.text).toBe(0);
    await on.shell('s1', 'systemctl start --no-block rke2-server');
    await on.waitForNode('s1', 'server', 's1');
    expect(await on.members('s1')).toEqual(voters('s1'));
    expect((await on.shell('s1', labelOf('saved'))).stdout).toBe('yes');
    await on.lab.healHost('s2');
  });

  it('restores on another host, with the CA of the snapshot', async () => {
    await on.shell('s1', 'rke2 etcd-snapshot save --name move');
    const name = await newest('move');
    const copy = (await on.lab.exec('s1', ['base64', '-w0', `${snapshots}/${name}`])).stdout;
    const ca = (await on.shell('s1', `cat ${tls}/server-ca.crt`)).stdout;
    await on.shell('s2', `rke2-killall.sh; rm -rf ${dataDir}`);
    await on.lab.exec('s2', ['sh', '-c', 'base64 -d > /root/snapshot'], { input: copy });
    await on.shell('s2', `sed -i '/^server:/d' ${configDir}/config.yaml`);
    const done = await on.shell(
      's2',
      'timeout 120 rke2 server --cluster-reset --cluster-reset-restore-path=/root/snapshot',
    );
    expect(done.code, done.text).toBe(0);
    await on.shell('s2', 'systemctl start --no-block rke2-server');
    await on.waitForNode('s2', 'server', 's2');
    expect((await on.shell('s2', `cat ${tls}/server-ca.crt`)).stdout).toBe(ca);
    expect((await on.shell('s2', labelOf('saved'))).stdout).toBe('yes');
  });

  it.each(['s1', 'a1'])('leaves on %s nothing of what rke2-uninstall.sh promises to remove', async (host) => {
    const places =
      '/etc/rancher /var/lib/rancher /var/lib/kubelet /etc/cni /opt/cni/bin /var/lib/cni /var/log/pods /run/k3s/containerd ' +
      '/usr/local/bin/rke2* /usr/local/lib/systemd/system/rke2* /usr/local/share/rke2';
    const left = `pgrep -x etcd; pgrep -f '[s]tand-in.cjs|^kubelet '; ls -d ${places} 2>/dev/null; true`;
    expect((await on.shell(host, left)).stdout).toContain('/usr/local/bin/rke2-uninstall.sh');
    await on.shell(host, 'rke2-uninstall.sh');
    expect((await on.shell(host, left)).stdout).toBe('');
    expect((await on.shell(host, "ss -Hltn | grep -E ':(6443|6444|9345|2379|2380|10250) '")).stdout).toBe('');
    expect((await on.shell(host, 'systemctl cat rke2-server rke2-agent')).code).not.toBe(0);
  });
});
