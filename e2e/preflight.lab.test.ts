import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOrThrow } from '@/e2e/lab/command';
import { checkLabSupport } from '@/e2e/lab/support';
import { CHECKS } from '@/lib/health/checks';
import { LISTEN_SCRIPT } from '@/lib/health/probe-script';
import type { PreflightResult } from '@/lib/run/job-view';
import { waitFor } from '@/lib/testing/wait-for';
import { LAB_DEVIATIONS } from './support/lab-deviations';
import { findCell, findLink, startPreflightLab, type PreflightLab } from './support/preflight-lab';

const unsupported = checkLabSupport();

/** Checks that have no word on bare hosts: a cluster runs, the CIS profile, Tailscale. */
const SILENT_ON_BARE = [
  'cis',
  'node-object',
  'etcd-address',
  'critical-values',
  'certificate',
  'kube-proxy',
  'tailscale',
  'tailscale-loop',
];

describe.skipIf(unsupported !== null)(
  `preflight on real hosts${unsupported ? `: ${unsupported}` : ''}`,
  () => {
    let site: PreflightLab;
    beforeAll(async () => {
      site = await startPreflightLab('preflight');
    });
    afterAll(() => site?.stop());

    /** Runs `provoke` on a host, then `look`, then `heal`, whatever came of it. */
    async function provoked(
      host: string,
      provoke: string,
      heal: string,
      look: () => Promise<void>,
    ): Promise<void> {
      await site.onHost(host, `set -e\n${provoke}`);
      try {
        await look();
      } finally {
        await site.onHost(host, heal);
      }
    }

    /** Drops or rejects what matches at the door of a host. */
    function blocked(host: string, rule: string, look: () => Promise<void>): Promise<void> {
      const provoke = `nft add table inet provoked
nft 'add chain inet provoked in { type filter hook input priority 0; policy accept; }'
nft 'add rule inet provoked in ${rule}'`;
      return provoked(host, provoke, 'nft delete table inet provoked', look);
    }

    const statusOf = (result: PreflightResult, host: string, checkId: string) =>
      findCell(result, host, checkId)?.status;

    it('is ok on bare hosts but for the known deviations of the lab, and leaves nothing behind', async () => {
      const result = await site.check();
      expect(result.unreachable).toEqual([]);
      const found = new Set(result.cells.map(({ checkId }) => checkId));
      expect(CHECKS.map(({ id }) => id).filter((id) => !found.has(id))).toEqual(SILENT_ON_BARE);
      const roleOf = new Map<string, string>(site.topology.nodes.map(({ id, role }) => [id, role]));
      const deviations = result.cells
        .filter(({ status }) => status !== 'ok')
        .map((cell) => `${cell.nodeId} ${cell.checkId} ${cell.status}${cell.isUnknown ? ' unknown' : ''}`);
      const expected = LAB_DEVIATIONS.flatMap((one) =>
        [...roleOf]
          .filter(([, role]) => one.roles.some((candidate) => candidate === role))
          .map(([id]) => ({
            isHere: one.isHere,
            line: `${id} ${one.checkId} ${one.status}${one.isUnknown ? ' unknown' : ''}`,
          })),
      );
      expect(
        deviations.filter((line) => !expected.some((one) => one.line === line && one.isHere !== false)),
      ).toEqual([]);
      expect(expected.filter(({ isHere, line }) => isHere === true && !deviations.includes(line))).toEqual(
        [],
      );
      // Every pair of cluster nodes both ways, nodes to load balancers, load balancers to servers and to each other.
      const count = (checkId: string) => result.links.filter((link) => link.checkId === checkId).length;
      expect([
        count('reach-tcp'),
        count('reach-udp'),
        count('reach-ping'),
        count('path-mtu'),
        count('reach-vrrp'),
      ]).toEqual([3 * 2 + 3 * 2 + 2 * 2, 6, 6, 6, 2]);
      expect(result.links.filter(({ status }) => status !== 'ok')).toEqual([]);
      expect(findLink(result, 's1', 's2', 'reach-tcp')?.ports.map(({ port }) => port)).toEqual([
        6443, 9345, 10_250, 2379, 2380, 4240, 4244,
      ]);
      for (const { name } of site.lab.hosts) {
        await waitFor(
          async () => (await site.onHost(name, 'ss -Hlntu')).match(/:(6443|9345|8472)\b/) === null,
          {
            what: `the listeners of ${name} to end`,
          },
        );
        const left = await site.onHost(
          name,
          'ls -A /var/lib /var/lib/rancher 2>/dev/null | grep siteplan || :',
        );
        expect(left).toBe('');
      }
    });

    it('shows a dropped port red on that pair only, and ok again when one cell runs again', async () => {
      const only = { nodes: ['s1'], checks: ['reach-tcp'] };
      await blocked('a1', 'tcp dport 10250 drop', async () => {
        const result = await site.check({ checks: ['reach-tcp'] });
        const link = findLink(result, 's1', 'a1', 'reach-tcp');
        expect(link).toMatchObject({ status: 'fail', value: 'tcp 10250 blocked' });
        expect(link?.ports.find(({ port }) => port === 10_250)).toMatchObject({
          state: 'blocked',
          need: 'required',
        });
        expect(findCell(result, 's1', 'reach-tcp')).toMatchObject({
          status: 'fail',
          value: 'a1: tcp 10250 blocked',
          fix: expect.stringContaining('a1') as string,
        });
        expect(findLink(result, 's1', 's2', 'reach-tcp')?.status).toBe('ok');
        expect(statusOf(result, 'a1', 'reach-tcp')).toBe('ok');
        expect(new Set(result.cells.map(({ checkId }) => checkId))).toEqual(new Set(['reach-tcp']));
      });
      const again = await site.check(only);
      expect(again.cells.map(({ nodeId, checkId, status }) => `${nodeId} ${checkId} ${status}`)).toEqual([
        'n-s1 reach-tcp ok',
      ]);
      expect(again.scope).toEqual({ nodeIds: ['n-s1'], checkIds: ['reach-tcp'] });
    });

    it('takes turns with another preflight of the site, so that neither meets the other’s listeners', async () => {
      const checks = ['ports', 'reach-tcp', 'reach-udp'];
      const results = await Promise.all([site.check({ checks }), site.check({ checks })]);
      for (const result of results) {
        expect(result.cells.filter(({ status }) => status !== 'ok')).toEqual([]);
        expect(result.links.flatMap(({ ports }) => ports).filter(({ state }) => state !== 'open')).toEqual(
          [],
        );
      }
    });

    it('tells a rejected port from a dropped one, and a feature’s port from a needed one', async () => {
      const only = { nodes: ['s1'], checks: ['reach-tcp'] };
      await blocked('s2', 'tcp dport 2380 reject with tcp reset', async () => {
        expect(findCell(await site.check(only), 's1', 'reach-tcp')).toMatchObject({
          status: 'fail',
          value: 's2: tcp 2380 refused',
        });
      });
      await blocked('s2', 'tcp dport 4240 drop', async () => {
        expect(findCell(await site.check(only), 's1', 'reach-tcp')).toMatchObject({
          status: 'warn',
          value: 's2: tcp 4240 blocked',
          isUnknown: false,
        });
      });
    });

    it('shows blocked UDP, ping, VRRP and large packets, each in its own check', async () => {
      await blocked('a1', 'udp dport 8472 drop', async () => {
        const result = await site.check({ nodes: ['s1'], checks: ['reach-udp', 'reach-ping'] });
        expect(findCell(result, 's1', 'reach-udp')).toMatchObject({
          status: 'fail',
          value: 'a1: udp 8472 blocked',
        });
        expect(statusOf(result, 's1', 'reach-ping')).toBe('ok');
      });
      await blocked('a1', 'icmp type echo-request drop', async () => {
        const result = await site.check({ nodes: ['s1'], checks: ['reach-udp', 'reach-ping', 'path-mtu'] });
        expect(findCell(result, 's1', 'reach-ping')).toMatchObject({
          status: 'warn',
          value: 'a1: no answer',
        });
        expect(findCell(result, 's1', 'path-mtu')).toMatchObject({ status: 'warn', isUnknown: true });
        expect(statusOf(result, 's1', 'reach-udp')).toBe('ok');
      });
      await blocked('lb2', 'meta l4proto 112 drop', async () => {
        const result = await site.check({ checks: ['reach-vrrp'] });
        expect(findCell(result, 'lb1', 'reach-vrrp')).toMatchObject({
          status: 'fail',
          value: 'lb2: vrrp blocked',
        });
      });
      await blocked('a1', 'meta l4proto icmp meta length > 1400 drop', async () => {
        const result = await site.check({ nodes: ['s1'], checks: ['path-mtu'] });
        expect(findCell(result, 's1', 'path-mtu')).toMatchObject({
          status: 'fail',
          value: 'a1: 1500 bytes: lost',
        });
      });
    });

    it('shows a taken port red on its host, and dials what holds it', async () => {
      const take = `systemd-run --quiet --unit=provoked-tcp socat TCP-LISTEN:6443,fork,reuseaddr PIPE
systemd-run --quiet --unit=provoked-udp socat UDP-LISTEN:8472,fork PIPE
until ss -Hlnt | grep -q ':6443 '; do sleep 0.1; done
until ss -Hlnu | grep -q ':8472 '; do sleep 0.1; done`;
      await provoked('s2', take, 'systemctl stop provoked-tcp provoked-udp', async () => {
        const result = await site.check({ checks: ['ports', 'reach-tcp', 'reach-udp'] });
        expect(findCell(result, 's2', 'ports')).toMatchObject({
          status: 'fail',
          value: '8472 (socat), 6443 (socat)',
        });
        // Somebody took the connection, but no cluster of ours runs here: that proves nothing, as a swallowed datagram.
        const link = findLink(result, 's1', 's2', 'reach-tcp');
        expect(link).toMatchObject({ status: 'warn', value: 'tcp 6443 unknown' });
        expect(findCell(result, 's1', 'reach-tcp')).toMatchObject({ status: 'warn', isUnknown: true });
        expect(findCell(result, 's1', 'reach-udp')).toMatchObject({ status: 'warn', isUnknown: true });
      });
    });

    it('says unknown, never ok, of a host with no language to dial and listen with', async () => {
      const hide = `for file in "$(readlink -f /usr/bin/python3)" /usr/bin/perl; do chmod 0644 "$file"; done`;
      const heal = `for file in "$(readlink -f /usr/bin/python3)" /usr/bin/perl; do chmod 0755 "$file"; done`;
      await provoked('a1', hide, heal, async () => {
        const result = await site.check({ checks: ['reach-tcp', 'reach-udp', 'reach-ping'] });
        for (const checkId of ['reach-tcp', 'reach-udp', 'reach-ping'])
          expect(findCell(result, 'a1', checkId)).toMatchObject({ status: 'warn', isUnknown: true });
        expect(findCell(result, 's1', 'reach-tcp')).toMatchObject({
          status: 'warn',
          isUnknown: true,
          fix: expect.stringContaining('python3 or perl') as string,
        });
        // The kernel answers pings without a program.
        expect(findLink(result, 's1', 'a1', 'reach-ping')?.status).toBe('ok');
      });
    });

    it('finds two hosts of one name, and the leftovers of another cluster', async () => {
      await provoked('a1', 'hostname s1', 'hostname a1', async () => {
        const result = await site.check({ checks: ['hostname'] });
        expect(result.unreachable).toEqual([]);
        expect(findCell(result, 's1', 'hostname')).toMatchObject({
          status: 'warn',
          why: expect.stringContaining('1 other host') as string,
        });
      });
      const leave =
        'mkdir -p /var/lib/rancher/rke2/server /etc/cni/net.d; echo K10 > /var/lib/rancher/rke2/server/token; echo x > /etc/cni/net.d/10-canal.conflist';
      await provoked('s2', leave, 'rm -r /var/lib/rancher /etc/cni', async () => {
        const cell = findCell(await site.check({ checks: ['leftovers'] }), 's2', 'leftovers');
        expect(cell).toMatchObject({ status: 'fail', value: '/var/lib/rancher/rke2/server/token' });
        expect(cell?.fix).toContain(`'/var/lib/rancher/rke2/server/token'`);
      });
      await provoked(
        's2',
        'mkdir -p /etc/cni/net.d; : > /etc/cni/net.d/10-canal.conflist',
        'rm -r /etc/cni',
        async () => {
          const cell = findCell(await site.check({ checks: ['leftovers'] }), 's2', 'leftovers');
          expect(cell).toMatchObject({ status: 'warn', value: '/etc/cni/net.d/10-canal.conflist' });
        },
      );
    });

    it('finds who has the virtual IP, one of the site’s hosts or a stranger', async () => {
      const { vip } = site.lab;
      const find = async () => findCell(await site.check({ nodes: ['lb1'], checks: ['vip'] }), 'lb1', 'vip');
      expect(await find()).toMatchObject({ status: 'ok', value: 'free' });
      await provoked(
        's2',
        `ip address add ${vip}/24 dev host0`,
        `ip address del ${vip}/24 dev host0`,
        async () => {
          expect(await find()).toMatchObject({ status: 'fail', value: 'an address of s2' });
        },
      );
      // This machine is the stranger, on the hosts' own network.
      const links = await runOrThrow(['ip', '-o', '-4', 'address', 'show', 'to', site.lab.gateway]);
      const bridge = /^\d+: (\S+)/.exec(links)?.[1] ?? '';
      await runOrThrow(['ip', 'address', 'add', `${vip}/32`, 'dev', bridge]);
      try {
        expect(await find()).toMatchObject({
          status: 'fail',
          value: expect.stringMatching(/^answered by ([0-9a-f]{2}:){5}[0-9a-f]{2}$/) as string,
        });
      } finally {
        await runOrThrow(['ip', 'address', 'del', `${vip}/32`, 'dev', bridge]);
      }
    });

    it('finds overlapping routes, noexec and a service behind a proxy', async () => {
      const provoke = `ip link add provoked type veth peer name provoked-peer; ip link set provoked up; ip route add 10.43.9.0/24 dev provoked
mkdir -p /var/lib/rancher; mount -t tmpfs -o noexec none /var/lib/rancher
mkdir -p /etc/default; printf 'HTTPS_PROXY=http://user:provoked-secret@192.0.2.1:3128\\nNO_PROXY=10.42.0.0/16\\n' > /etc/default/rke2-server`;
      const heal =
        'ip link del provoked; umount /var/lib/rancher; rmdir /var/lib/rancher; rm /etc/default/rke2-server';
      await provoked('s1', provoke, heal, async () => {
        const result = await site.check({ nodes: ['s1'], checks: ['routes', 'mount', 'proxy'] });
        expect(findCell(result, 's1', 'routes')).toMatchObject({
          status: 'fail',
          value: '10.43.9.0/24 by provoked',
        });
        expect(findCell(result, 's1', 'mount')).toMatchObject({
          status: 'fail',
          value: 'noexec at /var/lib/rancher',
        });
        expect(findCell(result, 's1', 'proxy')).toMatchObject({
          status: 'fail',
          value: 'NO_PROXY lacks 10.43.0.0/16, cluster.local, svc',
        });
        expect(JSON.stringify(result)).not.toContain('provoked-secret');
      });
    });

    it('ends its listeners when the connection is gone, as root and behind sudo', async () => {
      for (const name of ['s1', 'a1']) {
        const connection = await site.connect(name);
        const address = site.topology.nodes.find((node) => node.name === name)?.internalIp ?? '';
        const variables = { spec: `tcp ${address} 9345`, token: 'x', seconds: '600', root: '' };
        const stream = await connection.stream({ script: LISTEN_SCRIPT, variables, onData: () => undefined });
        stream.done.catch(() => undefined);
        const isListening = async () => (await site.onHost(name, 'ss -Hlnt')).includes(':9345 ');
        await waitFor(isListening, { what: 'the listener' });
        connection.close();
        await waitFor(async () => !(await isListening()), { what: 'the listener to end', timeoutMs: 30_000 });
      }
    });

    it('says why of a host that cannot be read, and checks the others', async () => {
      await site.lab.failHost('a1', 'unplug');
      try {
        const result = await site.check({ checks: ['cpus', 'reach-tcp'] });
        expect(result.unreachable.map(({ nodeId }) => nodeId)).toEqual(['n-a1']);
        expect(result.unreachable[0]?.failure.nextAction).not.toBe('');
        expect(result.cells.some(({ nodeId }) => nodeId === 'n-a1')).toBe(false);
        expect(findLink(result, 's1', 'a1', 'reach-tcp')).toMatchObject({ status: 'warn' });
        expect(findLink(result, 's1', 's2', 'reach-tcp')).toMatchObject({ status: 'ok' });
      } finally {
        await site.lab.healHost('a1');
      }
    });
  },
);
