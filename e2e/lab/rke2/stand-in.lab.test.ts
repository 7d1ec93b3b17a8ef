import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '@/lib/testing/wait-for';
import { startLab } from '../lab';
import type { Lab } from '../lab';
import { checkLabSupport } from '../support';

const labSupport = checkLabSupport();
const etc = '/etc/rancher/rke2';
const data = '/var/lib/rancher/rke2';
const cilium = [
  'apiVersion: helm.cattle.io/v1',
  'kind: HelmChartConfig',
  'metadata: { name: rke2-cilium, namespace: kube-system }',
  'spec: { valuesContent: "kubeProxyReplacement: strict" }',
  '',
].join('\n');
const kubectl = `${data}/bin/kubectl --kubeconfig ${etc}/rke2.yaml`;

describe.skipIf(labSupport !== null)('the stand-in rke2, one server', () => {
  let lab: Lab;
  let mirror: string;
  const shell = async (script: string) => {
    const result = await lab.exec('s1', ['sh', '-c', script]);
    return { ...result, text: result.stdout + result.stderr };
  };
  const waitForShell = (script: string, timeoutMs = 30_000) =>
    waitFor(async () => (await shell(script)).code === 0, { what: script, timeoutMs, everyMs: 200 });
  const journal = async () => (await shell('journalctl -u rke2-server --no-pager -o cat')).stdout;
  const isActive = 'systemctl is-active --quiet rke2-server';
  const waitForReady = () =>
    waitForShell(`${isActive} && ${kubectl} wait --for=condition=Ready node/s1 --timeout=10s`);

  beforeAll(async () => {
    lab = await startLab({ name: 'test-rke2', hosts: [{ name: 's1' }] });
    mirror = await lab.startMirror();
  });
  afterAll(() => lab?.stop());

  it('comes as artifacts with the real names and layout, which match their checksums', async () => {
    const names =
      'rke2.linux-amd64.tar.gz rke2-images-core.linux-amd64.tar.zst rke2-images-cilium.linux-amd64.tar.zst';
    const fetched = await shell(
      `cd /tmp && for f in ${names} sha256sum-amd64.txt; do curl -fsSO "${mirror}/v1.35.7%2Brke2r1/$f" || exit 1; done`,
    );
    expect(fetched.text).toBe('');
    expect(
      (await shell('cd /tmp && sha256sum -c --strict sha256sum-amd64.txt')).stdout.match(/: OK/g),
    ).toHaveLength(3);
    const tampered = await shell(
      'cd /tmp && cp -r . /root/copy && cd /root/copy && echo x >> rke2.linux-amd64.tar.gz && sha256sum -c sha256sum-amd64.txt',
    );
    expect(tampered.code).not.toBe(0);
    const listing = (await shell('tar tzf /tmp/rke2.linux-amd64.tar.gz | grep -v /$ | sort')).stdout;
    expect(listing.split('\n').filter(Boolean)).toEqual([
      './bin/rke2',
      './bin/rke2-killall.sh',
      './bin/rke2-uninstall.sh',
      './lib/systemd/system/rke2-agent.env',
      './lib/systemd/system/rke2-agent.service',
      './lib/systemd/system/rke2-server.env',
      './lib/systemd/system/rke2-server.service',
      './share/rke2/rke2-cis-sysctl.conf',
    ]);
    expect((await shell('tar --zstd -xOf /tmp/rke2-images-core.linux-amd64.tar.zst')).stdout).toContain(
      'stand-in',
    );
    expect(
      (await shell(`curl -s -o /dev/null -w '%{http_code}' ${mirror}/v1.35.7%2Brke2r1/no-such-file`)).stdout,
    ).toBe('404');
  });

  it('installs by tar, starts without blocking, and real kubectl sees the node Ready', async () => {
    await shell(
      'tar xzf /tmp/rke2.linux-amd64.tar.gz -C /usr/local && systemctl daemon-reload && systemctl enable rke2-server',
    );
    expect((await shell('rke2 --version')).stdout).toMatch(
      /^rke2 version v1\.35\.7\+rke2r1 .*\n.*stand-in.*\n$/,
    );
    expect(
      (await shell('systemd-analyze verify /usr/local/lib/systemd/system/rke2-server.service')).text,
    ).toBe('');
    const main =
      'token: first-token\ncni: cilium\nno-such-key: 1\ncluster-init: true\ntls-san: [k8s.example.net]\n';
    await shell(
      `mkdir -p ${etc}/config.yaml.d && printf '${main}' > ${etc}/config.yaml && printf 'tls-san+: [192.0.2.10]\n' > ${etc}/config.yaml.d/90-more.yaml`,
    );
    await shell(
      `mkdir -p ${data}/server/manifests && printf '${cilium}' > ${data}/server/manifests/rke2-cilium-config.yaml`,
    );
    expect(
      (await shell('systemctl start --no-block rke2-server && systemctl show -P ActiveState rke2-server'))
        .stdout,
    ).toMatch(/activating|inactive/);
    // The chart refuses a word for a boolean, so there is no CNI and the node cannot be ready.
    await waitForShell(
      `journalctl -u rke2-server -o cat | grep -q 'kubeProxyReplacement must be explicitly set'`,
    );
    await waitForShell(isActive);
    expect((await shell(`${kubectl} get nodes`)).stdout).toMatch(/^s1 +NotReady +control-plane,etcd /m);
    await shell(`sed -i 's/strict/true/' ${data}/server/manifests/rke2-cilium-config.yaml`);
    await waitForReady();
    const table = (await shell(`${kubectl} get nodes -o wide`)).stdout;
    expect(table).toMatch(/^s1 +Ready +control-plane,etcd +\S+ +v1\.35\.7\+rke2r1 +10\.213\./m);
    expect((await shell(`${kubectl} get --raw /readyz`)).stdout).toBe('ok');
    const node = JSON.parse((await shell(`${kubectl} get node s1 -o json`)).stdout);
    expect(node.metadata.annotations['siteplan.lab/stand-in']).toBe('true');
    const pods = (await shell(`${kubectl} -n kube-system get pods`)).stdout;
    for (const pod of ['etcd-s1', 'kube-apiserver-s1', 'kube-controller-manager-s1', 'cilium-s1']) {
      expect(pods).toMatch(new RegExp(`^${pod} +1/1 +Running`, 'm'));
    }
  });

  it('says first that it is a stand-in, and warns of keys that it skips', async () => {
    const lines = (await journal()).split('\n').filter((line) => line.startsWith('time='));
    expect(lines[0]).toContain('stand-in');
    expect(lines.join('\n')).toContain(
      'level=warning msg="Unknown flag --no-such-key found in config.yaml, skipping',
    );
    expect(lines.join('\n')).toContain('Unknown flag --cluster-init found');
  });

  it('answers 401 on 6443 without credentials, and on 9345 only /ping and /cacerts', async () => {
    const code = (url: string, more = '') =>
      shell(
        `curl -sk ${more} -o /dev/null -w '%{http_code}' https://10.213.${lab.gateway.split('.')[2]}.11:${url}`,
      );
    for (const path of ['/healthz', '/readyz', '/api/v1/nodes', '/version'])
      expect((await code(`6443${path}`)).stdout).toBe('401');
    const status = JSON.parse((await shell('curl -sk https://127.0.0.1:6443/healthz')).stdout);
    expect(status).toMatchObject({ kind: 'Status', status: 'Failure', reason: 'Unauthorized', code: 401 });
    expect((await shell('curl -sk https://127.0.0.1:9345/ping')).stdout).toBe('pong');
    expect((await code('9345/v1-rke2/readyz')).stdout).toBe('401');
    expect((await code('9345/v1-rke2/readyz', '-u server:wrong')).stdout).toBe('401');
    expect((await code('9345/v1-rke2/readyz', '-u server:first-token')).stdout).toBe('200');
    const kubelet = `--cert ${data}/agent/client-kubelet.crt --key ${data}/agent/client-kubelet.key`;
    expect((await code('6443/api/v1/nodes', kubelet)).stdout).toBe('200');
    expect((await code('6443/api/v1/secrets', kubelet)).stdout).toBe('403');
  });

  it('writes kubeconfig, tokens and certificates where RKE2 does', async () => {
    const root = lab.rootOf('s1');
    expect(statSync(join(root, etc, 'rke2.yaml')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(root, etc, 'rke2.yaml'), 'utf8')).toContain('server: https://127.0.0.1:6443');
    const hash = (await shell('curl -sk https://127.0.0.1:9345/cacerts | sha256sum')).stdout.slice(0, 64);
    expect((await shell(`cat ${data}/server/node-token`)).stdout).toBe(`K10${hash}::server:first-token\n`);
    const tls = `${data}/server/tls`;
    for (const [ca, leaf] of [
      ['server-ca', 'serving-kube-apiserver'],
      ['client-ca', 'client-admin'],
      ['etcd/server-ca', 'etcd/server-client'],
    ]) {
      expect((await shell(`openssl verify -CAfile ${tls}/${ca}.crt ${tls}/${leaf}.crt`)).stdout).toContain(
        ': OK',
      );
    }
    const names = (
      await shell(`openssl x509 -noout -ext subjectAltName -in ${tls}/serving-kube-apiserver.crt`)
    ).stdout;
    expect(names).toContain('DNS:k8s.example.net');
    expect(names).toContain('IP Address:192.0.2.10');
    expect((await shell('rke2 certificate check')).stdout).toMatch(
      /^client-admin\.crt +CN=system:admin +clientAuth +\S+ +364 days +OK$/m,
    );
  });

  it('runs a real etcd with TLS, which crictl exec reaches as on RKE2', async () => {
    const tls = `${data}/server/tls/etcd`;
    const files = `--cacert=${tls}/server-ca.crt --cert=${tls}/server-client.crt --key=${tls}/server-client.key`;
    const id = `$(${data}/bin/crictl ps -q --name '^etcd$' --state running | head -1)`;
    const members = await shell(
      `${data}/bin/crictl exec ${id} etcdctl --endpoints=https://127.0.0.1:2379 ${files} member list`,
    );
    expect(members.stdout).toMatch(
      /started, s1-[0-9a-f]{8}, https:\/\/10\.213\.\d+\.11:2380, https:\/\/10\.213\.\d+\.11:2379, false/,
    );
    expect((await shell('curl -s "http://127.0.0.1:2381/health?serializable=true"')).stdout).toContain(
      '"true"',
    );
    expect((await shell('curl -sk https://127.0.0.1:2379/health')).code).not.toBe(0);
    expect((await shell('rke2 etcd-snapshot save --name before')).code).toBe(0);
    expect((await shell('rke2 etcd-snapshot ls')).stdout).toMatch(
      /^before-s1-\d+ +file:\/\/\S+ +\d+ +\S+Z$/m,
    );
  });

  it('refuses what RKE2 refuses, and fails when its port is taken', async () => {
    expect((await shell('timeout 20 rke2 server --profile=cis-1.23')).text).toContain(
      'level=fatal msg="invalid value provided for --profile flag"',
    );
    expect((await shell('timeout 20 rke2 server --cni=clicium')).text).toContain(
      'Invalid value clicium for --cni flag',
    );
    expect((await shell('timeout 20 rke2 server --no-such-flag')).text).toContain(
      'flag provided but not defined: -no-such-flag',
    );
    const second = await shell('timeout 20 rke2 server');
    expect(second.code).toBe(1);
    expect(second.text).toContain('listen tcp :9345: bind: address already in use');
  });

  it('leaves etcd and the API server running when the service stops, until rke2-killall.sh', async () => {
    await shell(`${kubectl} label node s1 kept=yes`);
    await shell('systemctl stop rke2-server');
    expect((await shell("pgrep -x etcd && pgrep -f '[s]tand-in.cjs kube-apiserver'")).code).toBe(0);
    expect((await shell('pgrep -f "^kubelet /"')).code).toBe(1);
    expect((await shell(`${kubectl} get nodes`)).stdout).toContain('s1');
    expect((await shell('curl -sk https://127.0.0.1:9345/ping')).code).not.toBe(0);
    expect((await shell('rke2 etcd-snapshot save')).code).toBe(1);
    await shell('rke2-killall.sh');
    expect((await shell("pgrep -x etcd || pgrep -f '[s]tand-in.cjs'")).code).toBe(1);
    expect((await shell(`ls ${data}/agent/pod-manifests`)).stdout).toBe('');
  });

  it('refuses a changed token on existing data', async () => {
    await shell(
      `sed -i 's/^token: .*/token: second-token/' ${etc}/config.yaml && systemctl start --no-block rke2-server`,
    );
    const words = 'bootstrap data already found and encrypted with different token';
    await waitForShell(`journalctl -u rke2-server -o cat | grep -q 'level=fatal.*${words}'`);
    expect((await shell(isActive)).code).not.toBe(0);
    expect((await shell(`cat ${data}/server/token`)).stdout).toContain(':first-token');
  });

  it('finds its data again with the right token', async () => {
    await shell(
      `sed -i 's/^token: .*/token: first-token/' ${etc}/config.yaml && systemctl restart --no-block rke2-server`,
    );
    await waitForReady();
    expect((await shell(`${kubectl} get node s1 -o jsonpath='{.metadata.labels.kept}'`)).stdout).toBe('yes');
  });

  it('keeps its certificates over restarts, and serves a new name after one', async () => {
    const served = `openssl s_client -connect 127.0.0.1:6443 </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName -serial`;
    const before = (await shell(served)).stdout;
    expect(before).toContain('DNS:k8s.example.net');
    await shell('systemctl restart rke2-server');
    expect((await shell(served)).stdout).toBe(before);
    await shell(
      `printf 'tls-san+: [new.example.net]\n' > ${etc}/config.yaml.d/92-name.yaml && systemctl restart rke2-server`,
    );
    await waitForShell(`${served} | grep -q DNS:new.example.net`);
  });

  it('comes back on its own after a reboot', async () => {
    await lab.rebootHost('s1');
    await waitForReady();
    expect((await shell(`${kubectl} get node s1 -o jsonpath='{.metadata.labels.kept}'`)).stdout).toBe('yes');
  });

  it('never gets ready with a flag that the API server does not know', async () => {
    await shell(
      `printf 'kube-apiserver-arg: [no-such-flag=1]\n' > ${etc}/config.yaml.d/91-bad.yaml && systemctl restart --no-block rke2-server`,
    );
    await waitForShell(
      "grep -q 'unknown flag: --no-such-flag' /var/log/pods/kube-system_kube-apiserver_*/kube-apiserver/0.log",
    );
    expect((await shell('systemctl show -P ActiveState rke2-server')).stdout).toBe('activating\n');
    await shell(`rm ${etc}/config.yaml.d/91-bad.yaml && systemctl restart --no-block rke2-server`);
    await waitForReady();
  });

  it('is gone after rke2-uninstall.sh', async () => {
    await shell('rke2-uninstall.sh');
    const left = await shell(
      `pgrep -x etcd; ls -d /etc/rancher /var/lib/rancher /usr/local/bin/rke2* /usr/local/lib/systemd/system/rke2* /etc/cni 2>/dev/null`,
    );
    expect(left.stdout).toBe('');
    expect((await shell('systemctl cat rke2-server')).code).not.toBe(0);
  });
});
