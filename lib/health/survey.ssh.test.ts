import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { findShells, runScript } from '@/lib/testing/run-step';
import { parseSurvey } from './parse-survey';
import { SURVEY_SCRIPT } from './survey-script';

const nodeId = NodeId.parse('n-1');
let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'siteplan-survey-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content, { mode });
}

/** A program that stands before this machine's own. */
const stub = (name: string, body: string) => put(`bin/${name}`, `#!/bin/sh\n${body}\n`, 0o755);

describe.each(findShells().map((shell) => ({ name: shell.join(' '), shell })))(
  'the survey with $name',
  ({ shell }) => {
    async function read(role = 'server', registration = '192.0.2.5', at = root) {
      const variables = { role, registration, root: at };
      const result = await runScript(shell, SURVEY_SCRIPT, variables, { cwd: root });
      expect(result).toMatchObject({ code: 0, stderr: '' });
      return parseSurvey(result.stdout, nodeId);
    }

    it('reads this machine', async () => {
      const survey = await read('lb', '', '');
      expect(survey.links.find(({ name }) => name === 'lo')?.mtu).toBe(65_536);
      expect(survey.dataTotalGiB).toBeGreaterThan(1);
      expect(survey.dataMount?.options.length).toBeGreaterThan(0);
      const kernel = (path: string) => readFileSync(`/proc/sys/${path}`, 'utf8').trim();
      expect(survey.sysctls['fs.inotify.max_user_watches']).toBe(kernel('fs/inotify/max_user_watches'));
      expect(survey.registration).toBeNull();
      expect(survey.clusterNodes).toBeNull();
    });

    it('reads cards, a disk behind a partition, leases and routes', async () => {
      put('sys/class/net/eth0/mtu', '9000\n');
      put('sys/class/net/eth0/speed', '25000\n');
      put('sys/class/net/virt0/mtu', '1500\n');
      put('sys/class/net/virt0/speed', '-1\n');
      put('sys/devices/sda/queue/rotational', '1\n');
      put('sys/devices/sda/sda2/partition', '2\n');
      mkdirSync(join(root, 'sys/class/block'), { recursive: true });
      symlinkSync(join(root, 'sys/devices/sda/sda2'), join(root, 'sys/class/block/sda2'));
      mkdirSync(join(root, 'var/lib/rancher'), { recursive: true });
      stub('findmnt', 'case "$*" in *FSTYPE*) echo "/dev/sda2 ext4 rw,noexec" ;; *) echo /dev/sda2 ;; esac');
      stub('timedatectl', 'echo NTPSynchronized=yes');
      stub(
        'ip',
        `case "$*" in
*addr*) echo '2: eth0 inet 192.0.2.11/24 brd 192.0.2.255 scope global dynamic eth0'; echo '3: eth1 inet 192.0.2.12/24 scope global eth1' ;;
*) echo 'default via 192.0.2.1 dev eth0'; echo '10.42.0.0/24 via 10.42.0.1 dev cilium_host src 10.42.0.1'; echo '10.9.9.9 dev eth1 scope link' ;;
esac`,
      );
      const survey = await read();
      expect(survey.links).toEqual([
        { name: 'eth0', mtu: 9_000, speedMbit: 25_000 },
        { name: 'virt0', mtu: 1_500, speedMbit: null },
      ]);
      expect(survey).toMatchObject({
        isRotational: true,
        dataMount: {
          path: '/var/lib/rancher',
          source: '/dev/sda2',
          fsType: 'ext4',
          options: ['rw', 'noexec'],
        },
        ntp: 'synchronised',
        leasedAddresses: ['192.0.2.11'],
        routes: [
          { to: '10.42.0.0/24', interface: 'cilium_host' },
          { to: '10.9.9.9/32', interface: 'eth1' },
        ],
      });
    });

    it('tells modules that are loaded, built in, to be had, missing and not to be known', async () => {
      mkdirSync(join(root, 'sys/module/overlay'), { recursive: true });
      put(`boot/config-${release()}`, 'CONFIG_BRIDGE_NETFILTER=y\nCONFIG_VXLAN=m\n');
      const before = await read();
      expect(before.modules).toMatchObject({ overlay: 'there', br_netfilter: 'there', vxlan: 'unknown' });
      mkdirSync(join(root, 'lib/modules', release()), { recursive: true });
      stub('modprobe', 'case "$*" in *vxlan*) exit 0 ;; *) exit 1 ;; esac');
      expect((await read()).modules).toMatchObject({ vxlan: 'there', wireguard: 'missing' });
    });

    it('lists what another cluster left, and not what a plan places before it installs', async () => {
      const data = 'var/lib/rancher/rke2';
      put(`${data}/server/manifests/rke2-cilium-config.yaml`, 'x');
      put(`${data}/agent/images/rke2-images-core.linux-amd64.tar.zst`, 'x');
      put(`${data}/agent/etc/kubelet.conf.d/50-edge.conf`, 'x');
      put('etc/rancher/rke2/config.yaml', 'token: x\n');
      expect((await read()).leftovers).toEqual([]);
      expect((await read()).images).toEqual(['rke2-images-core.linux-amd64.tar.zst']);
      put(`${data}/server/token`, 'x');
      put(`${data}/agent/client-ca.crt`, 'x');
      put('var/lib/rancher/k3s/x', 'x');
      put('etc/rancher/node/password', 'x');
      put('etc/cni/net.d/10-canal $(touch marker)\n.conflist', 'x');
      put('sys/class/net/cilium_host/mtu', '1500\n');
      const survey = await read();
      expect(survey.leftovers).toEqual([
        '/etc/cni/net.d/10-canal $(touch marker)\ufffd.conflist',
        '/etc/rancher/node',
        '/var/lib/rancher/k3s',
        '/var/lib/rancher/rke2/agent/client-ca.crt',
        '/var/lib/rancher/rke2/server/token',
        'interface cilium_host',
      ]);
      expect(survey.hasNodePassword).toBe(true);
    });

    it('reads names of proxies but never their values', async () => {
      put(
        'etc/default/rke2-server',
        `# x\nexport HTTPS_PROXY="http://u:secret@192.0.2.1"\nHTTP_PROXY=\nNO_PROXY='10.42.0.0/16, .svc'\nOTHER=1\n`,
      );
      const variables = { role: 'server', registration: '', root };
      const { stdout } = await runScript(shell, SURVEY_SCRIPT, variables, { cwd: root });
      expect(stdout).not.toContain('secret');
      expect(parseSurvey(stdout, nodeId)).toMatchObject({
        proxies: ['HTTPS_PROXY'],
        noProxy: ['10.42.0.0/16', '.svc'],
      });
    });

    it('asks a running cluster for its nodes, its certificate, its etcd address and kube-proxy', async () => {
      const data = 'var/lib/rancher/rke2';
      put('etc/rancher/rke2/rke2.yaml', 'x');
      put(`${data}/bin/kubectl`, '#!/bin/sh\necho node/s1\necho node/s2\n', 0o755);
      put(`${data}/server/db/etcd/config`, 'name: s1\nadvertise-client-urls: https://192.0.2.11:2379\n');
      put(`${data}/agent/pod-manifests/kube-proxy.yaml`, 'x');
      stub('curl', 'case "$*" in *https://192.0.2.5:9345/ping*) exit 60 ;; esac; exit 7');
      expect(await read()).toMatchObject({
        clusterNodes: ['s1', 's2'],
        registration: 'wrong-certificate',
        etcdAddress: '192.0.2.11',
        hasKubeProxyManifest: true,
      });
      expect((await read('server', '192.0.2.6')).registration).toBe('silent');
      expect((await read('agent')).clusterNodes).toBeNull();
      put(`${data}/bin/kubectl`, '#!/bin/sh\nexit 1\n', 0o755);
      expect((await read()).clusterNodes).toBeNull();
    });

    it('reads Tailscale’s state and the rule against its loop', async () => {
      const status = {
        BackendState: 'Running',
        TailscaleIPs: ['100.64.0.1'],
        Self: { Tags: ['tag:edge'], KeyExpiry: '2027-01-01T00:00:00Z', HostName: 'x' },
      };
      put('status.json', JSON.stringify(status));
      stub('tailscale', `cat ${join(root, 'status.json')}`);
      stub('nft', `echo 'oifname "cilium_host" udp dport 41641 drop'`);
      expect(await read()).toMatchObject({
        tailscale: {
          backendState: 'Running',
          addresses: ['100.64.0.1'],
          tags: ['tag:edge'],
          keyExpiry: '2027-01-01T00:00:00Z',
        },
        hasTailscaleDropRule: true,
      });
      stub('tailscale', 'echo broken; exit 1');
      expect((await read()).tailscale?.backendState).toBe('');
    });
  },
);
