import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '@/lib/core/hash';
import { toShellAssignments } from '@/lib/core/shell-quote';
import { toStepFailure } from '@/lib/provision/step-failure';
import { CLUSTER_CA_COMMAND } from '@/lib/render/cluster-ca';
import { serviceStart } from '@/lib/steps/service-run';
import { checkLabSupport } from '../support';
import { configDir, dataDir, etcdctl, kubectl, startLabCluster } from './lab-cluster';
import type { LabCluster } from './lab-cluster';

const rejected = "Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password'";
const common = ['token: server-token', 'agent-token: agent-token', 'cni: cilium'];

describe.skipIf(checkLabSupport() !== null)('the stand-in rke2, three servers and two agents', () => {
  let on: LabCluster;
  const voters = (...nodes: string[]) => nodes.map((node) => ({ node, isLearner: false }));
  const serverLines = () => [...common, `tls-san: [k8s.example.net, ${on.addressOf('lb1')}]`];
  const join = (host: string) => `server: https://${on.addressOf(host)}:9345`;

  beforeAll(async () => {
    const hosts = ['s1', 's2', 's3', 'a1', 'a2', 'lb1'].map((name) => ({ name }));
    on = await startLabCluster('join', hosts);
    await on.start('s1', 'server', serverLines());
    await on.waitForNode('s1', 'server', 's1');
    const pool = (port: number) =>
      `upstream p${port} { ${['s1', 's2', 's3'].map((host) => `server ${on.addressOf(host)}:${port};`).join(' ')} }
       server { listen ${port}; proxy_pass p${port}; proxy_connect_timeout 2s; }`;
    const config = `include /etc/nginx/modules-enabled/*.conf; events {} stream { ${pool(6443)} ${pool(9345)} }`;
    await on.lab.exec('lb1', ['sh', '-c', 'printf "%s\\n" "$1" > /etc/nginx/nginx.conf', 'sh', config]);
    const nginx = await on.shell('lb1', 'nginx -t && systemctl restart nginx');
    expect(nginx.code, nginx.text).toBe(0);
  });
  afterAll(() => on?.lab.stop());

  it.each([
    ['a wrong token', ['token: wrong'], ': 401 Unauthorized'],
    ["the agents' token", ['token: agent-token'], ': 401 Unauthorized'],
    [
      'a token of another cluster',
      [`token: K10${'ab'.repeat(32)}::server:server-token`],
      'token CA hash does not match',
    ],
    ['a malformed token', ['token: K10abc::server:x'], 'failed to normalize token'],
    [
      'another pod network',
      ['cluster-cidr: 10.52.0.0/16'],
      'critical configuration mismatched: cluster-cidr',
    ],
    ['another token for agents', ['agent-token: other'], 'critical configuration mismatched: agent-token'],
  ])('refuses a server with %s', async (_, lines, words) => {
    await on.start('s2', 'server', [...serverLines(), ...lines, join('s1')].filter(isLast));
    await on.waitForLog('s2', 'server', words);
    await on.waitForLog('s2', 'server', 'level=fatal msg=');
    if (words.startsWith('critical'))
      await on.waitForLog('s2', 'server', 'critical configuration value mismatch between servers');
    expect(await on.members('s1')).toEqual(voters('s1'));
  });

  it('refuses a registration address that the certificate does not name', async () => {
    await on.shell('s2', `echo ${on.addressOf('lb1')} other.example.net k8s.example.net >> /etc/hosts`);
    await on.start('s2', 'server', [...serverLines(), 'server: https://other.example.net:9345']);
    await on.waitForLog('s2', 'server', 'x509: certificate is valid for');
  });

  it('keeps the token of a joining node from whoever shows another CA, and names that as the cause of the step', async () => {
    const hash = (await on.shell('s1', CLUSTER_CA_COMMAND)).stdout.trim();
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    // Somebody at the address, with a CA of their own, who notes what they are asked for.
    const impostor = `set -e; mkdir /run/impostor; cd /run/impostor
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 2 \
        -subj /CN=impostor -addext subjectAltName=IP:${on.addressOf('a2')},IP:127.0.0.1
      printf 'HTTP/1.0 200 OK\r\n\r\n' | tee cacerts apis; cat cert.pem >> cacerts
      systemd-run --unit=impostor --working-directory=/run/impostor \
        stdbuf -oL openssl s_server -accept 9345 -key key.pem -cert cert.pem -HTTP`;
    const begun = await on.shell('a2', impostor);
    expect(begun.code, begun.text).toBe(0);
    const asked = async () => {
      const { stdout } = await on.shell('a2', 'journalctl -u impostor -o cat');
      return new Set(stdout.match(/^FILE:\w+$/gm));
    };
    const pinned = (user: string) => `token: K10${hash}::${user}:${user === 'node' ? 'agent' : user}-token`;
    for (const [host, role, user] of [
      ['s2', 'server', 'server'],
      ['a1', 'agent', 'node'],
    ] as const) {
      const lines = role === 'server' ? serverLines() : [];
      await on.start(host, role, [...lines, pinned(user), join('a2')].filter(isLast));
      const unit = `rke2-${role}.service`;
      const variables = serviceStart.toVariables({ unit, stamp: sha256Hex(host) });
      const { code, text } = await on.shell(host, `${toShellAssignments(variables)}${serviceStart.act}`);
      expect(code, text).toBe(1);
      const failure = toStepFailure({ part: 'act', host, title: unit, exitCode: code ?? 1, tail: text });
      expect(failure.code, text).toBe('cluster-ca-mismatch');
      expect(failure.nextAction).toMatch(/^Find out what answers/);
      await on.shell(host, `systemctl stop ${unit}; rm -rf ${dataDir}/agent/etc`);
    }
    expect(await asked()).toEqual(new Set(['FILE:cacerts']));
    // What the pin is for: without it anybody gets the token.
    await on.start('s2', 'server', [...serverLines(), join('a2')]);
    await on.waitForShell('a2', 'journalctl -u impostor -o cat | grep -qx FILE:apis');
    await on.shell('s2', 'systemctl stop rke2-server');
    await on.shell('a2', 'systemctl stop impostor; rm -rf /run/impostor');
    expect(await on.members('s1')).toEqual(voters('s1'));
  });

  it('lets a second server join as a voting member, through the load balancer', async () => {
    const hash = (await on.shell('s1', CLUSTER_CA_COMMAND)).stdout.trim();
    const token = `token: K10${hash}::server:server-token`;
    await on.start(
      's2',
      'server',
      [...serverLines(), token, 'server: https://k8s.example.net:9345'].filter(isLast),
    );
    await on.waitForNode('s2', 'server', 's1');
    expect(await on.members('s1')).toEqual(voters('s1', 's2'));
    const cas =
      'server/tls/server-ca.key server/tls/client-ca.key server/tls/service.key server/tls/etcd/peer-ca.key';
    const sums = (host: string) => on.shell(host, `cd ${dataDir} && sha256sum ${cas}`);
    expect((await sums('s2')).stdout).toBe((await sums('s1')).stdout);
  });

  it('makes a third server wait while another member is learning', async () => {
    const ghost = `https://${on.addressOf('lb1')}:2380`;
    // etcd takes no member within 5 s after another one has begun to vote.
    await on.waitForShell('s1', `${etcdctl} member add --learner ghost --peer-urls=${ghost}`);
    await on.start('s3', 'server', [...serverLines(), join('s1')]);
    await on.waitForLog('s3', 'server', 'too many learner members in cluster');
    expect((await on.members('s1')).map((member) => member.node)).toEqual(['', 's1', 's2']);
    await on.shell('s1', `${etcdctl} member remove $(${etcdctl} member list | grep ${ghost} | cut -d, -f1)`);
    await on.waitForNode('s3', 'server', 's1');
    expect(await on.members('s3')).toEqual(voters('s1', 's2', 's3'));
  });

  it('lets agents join with their token and with a bootstrap token, and refuses them without', async () => {
    const created = await on.shell('s2', 'rke2 token create --ttl 1h --description lab');
    const bootstrap = created.stdout.trim();
    expect(bootstrap).toMatch(/^K10[0-9a-f]{64}::[a-z0-9]{6}\.[a-z0-9]{16}$/);
    await on.start('a1', 'agent', ['token: agent-token', join('s1'), 'node-label: [env=production]']);
    await on.start('a2', 'agent', ['token: wrong', join('lb1')]);
    await on.waitForLog('a2', 'agent', 'Failed to validate connection to cluster at https://127.0.0.1:6444');
    await on.waitForNode('a1', 'agent', 's1');
    expect((await on.shell('s1', `${kubectl} get nodes`)).stdout).not.toContain('a2');
    await on.start('a2', 'agent', [`token: ${bootstrap}`, join('lb1')]);
    await on.waitForNode('a2', 'agent', 's3');
    expect((await on.shell('s3', `${kubectl} get nodes -l env=production`)).stdout).toMatch(
      /^a1 +Ready +<none>/m,
    );
    expect(
      (await on.shell('s1', `rke2 token delete ${bootstrap.slice(-23)} && rke2 token list`)).stdout,
    ).not.toContain('lab');
    await on.shell('a2', 'systemctl restart --no-block rke2-agent');
    await on.waitForLog('a2', 'agent', ': 401 Unauthorized');
    await on.start('a2', 'agent', ['token: agent-token', join('lb1')]);
    await on.waitForNode('a2', 'agent', 's1');
  });

  it('tells agents of all servers, and serves the API through each of them and the load balancer', async () => {
    const file = `${dataDir}/agent/etc/rke2-api-server-agent-load-balancer.json`;
    const servers = ['s1', 's2', 's3'].map((host) => `"${on.addressOf(host)}:6443"`);
    await on.waitForShell('a2', servers.map((server) => `grep -qF '${server}' ${file}`).join(' && '));
    for (const host of ['s1', 's2', 's3', 'lb1']) {
      const elsewhere = `${kubectl} --server https://${on.addressOf(host)}:6443 get --raw /readyz`;
      expect((await on.shell('s2', elsewhere)).text).toBe('ok');
    }
    const kubelet = `--cert ${dataDir}/agent/client-kubelet.crt --key ${dataDir}/agent/client-kubelet.key`;
    const code = `curl -sk ${kubelet} -o /dev/null -w '%{http_code}' https://127.0.0.1:6443`;
    expect((await on.shell('a1', `${code}/api/v1/nodes`)).stdout).toBe('200');
    expect((await on.shell('a1', `${code}/api/v1/secrets`)).stdout).toBe('403');
  });

  it('rejects another host under the name of a registered agent until its Node is deleted', async () => {
    await on.shell('a1', 'systemctl stop rke2-agent && rm /etc/rancher/node/password');
    await on.start('a1', 'agent', ['token: agent-token', join('s1')]);
    await on.waitForLog('a1', 'agent', rejected);
    expect((await on.shell('a1', 'systemctl show -P ActiveState rke2-agent')).stdout).toBe('activating\n');
    await on.shell('s2', `${kubectl} delete node a1`);
    await on.waitForNode('a1', 'agent', 's2');
  });

  it('keeps its quorum, its API and its agents when a server is lost, and takes it back', async () => {
    await on.lab.failHost('s1', 'power-off');
    await on.waitForShell('s2', `${kubectl} label --overwrite node a2 while=s1-was-away`);
    expect(
      (await on.shell('s3', `${kubectl} get node a2 -o jsonpath='{.metadata.labels.while}'`)).stdout,
    ).toBe('s1-was-away');
    // Its configuration names only s1.
    await on.shell('a1', 'systemctl restart --no-block rke2-agent');
    await on.waitForShell('a1', 'systemctl is-active --quiet rke2-agent');
    const renewed = `${kubectl} -n kube-node-lease get lease a1 -o jsonpath='{.spec.renewTime}'`;
    const before = (await on.shell('s2', renewed)).stdout;
    await on.waitForShell('s3', `test "$(${renewed})" != '${before}'`);
    await on.lab.healHost('s1');
    await on.shell('s1', 'systemctl start --no-block rke2-server');
    await on.waitForNode('s1', 'server', 's1');
    expect(await on.members('s1')).toEqual(voters('s1', 's2', 's3'));
  });

  it('takes the member of a deleted server away, and lets it join again after a restart', async () => {
    await on.shell('s1', `${kubectl} delete node s3`);
    expect(await on.members('s1')).toEqual(voters('s1', 's2'));
    expect((await on.shell('s1', `${kubectl} -n kube-system get secrets`)).stdout).not.toContain(
      's3.node-password',
    );
    await on.waitForLog('s3', 'server', 'this node has been removed from the cluster please restart rke2');
    await on.start('s3', 'server', [...serverLines(), join('lb1')]);
    await on.waitForNode('s3', 'server', 's1');
    expect(await on.members('s2')).toEqual(voters('s1', 's2', 's3'));
    expect((await on.shell('s3', `ls ${dataDir}/server/db`)).stdout).toMatch(/etcd-old-\d+/);
  });

  it('refuses a reinstalled server under the name of a member', async () => {
    await on.shell('s3', 'rke2-killall.sh');
    await on.shell('s3', `rm -rf ${dataDir} ${configDir}`);
    await on.start('s3', 'server', [...serverLines(), join('s1')]);
    await on.waitForLog('s3', 'server', 'etcd cluster join failed: duplicate node name found');
    expect(await on.members('s1')).toEqual(voters('s1', 's2', 's3'));
  });
});

/** YAML refuses a key twice: the later line counts. */
function isLast(line: string, index: number, lines: readonly string[]): boolean {
  const key = line.split(':')[0];
  return lines.findLastIndex((other) => other.split(':')[0] === key) === index;
}
