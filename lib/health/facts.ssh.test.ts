import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { arch, hostname, release, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { findShells, runScript } from '@/lib/testing/run-step';
import { FACT_FILE_LIMIT_BYTES, FACTS_SCRIPT } from './facts-script';
import { parseFacts } from './parse-facts';

const nodeId = NodeId.parse('n-1');
let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'siteplan-facts-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, content: string | Buffer, mode = 0o600): void {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), content, { mode });
}

describe.each(findShells().map((shell) => ({ name: shell.join(' '), shell })))(
  'facts with $name',
  ({ shell }) => {
    async function readFacts(paths: readonly string[], toSlotted?: (text: string) => string) {
      const sentAtMs = Date.now();
      const result = await runScript(shell, FACTS_SCRIPT, { paths: paths.join('\n'), root }, { cwd: root });
      expect(result).toMatchObject({ code: 0, stderr: '' });
      return parseFacts(result.stdout, nodeId, { sentAtMs, receivedAtMs: Date.now() }, toSlotted);
    }

    it('reads this machine', async () => {
      const facts = await readFacts([]);
      expect(facts).toMatchObject({
        hostname: hostname(),
        kernel: release(),
        arch: arch() === 'x64' ? 'amd64' : arch(),
        rke2Version: null,
        hasEtcdData: false,
      });
      expect(facts.cpus).toBeGreaterThan(0);
      expect(facts.memoryMiB).toBeGreaterThan(500);
      expect(facts.addresses).toContainEqual({ interface: 'lo', address: '127.0.0.1', prefix: 8 });
      expect(Math.abs(facts.clockOffsetMs)).toBeLessThan(1_000);
      expect(facts.bootId).toMatch(/^[0-9a-f-]{36}$/);
    });

    it('reads files, stamps, drop-ins, distribution and RKE2 below the root', async () => {
      const me = userInfo().username;
      put('etc/os-release', 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n');
      put('etc/resolv.conf', '# x\nnameserver 127.0.0.53\nnameserver 192.0.2.1\nsearch example.net\n');
      put('a/text', "it's \u2713\n$(touch x)\n", 0o640);
      put('a/big', 'x'.repeat(FACT_FILE_LIMIT_BYTES + 1));
      put('a/binary', Buffer.from([0xff, 0xfe, 0]));
      put('a/empty', '', 0o644);
      symlinkSync('/etc/hostname', join(root, 'a/link'));
      put(
        'usr/local/bin/rke2',
        '#!/bin/sh\necho "rke2 version v1.35.7+rke2r1 (abc)"\necho "go version go1.25"\n',
        0o755,
      );
      put('var/lib/siteplan-host/stamps/rke2-server.service', 'abc123\n');
      put('etc/rancher/rke2/config.yaml.d/50 odd\nname.yaml', 'x: 1\n');
      mkdirSync(join(root, 'var/lib/rancher/rke2/server/db'), { recursive: true });
      const facts = await readFacts(['/a/text', '/a/big', '/a/binary', '/a/empty', '/a/link', '/a/none']);
      expect(facts).toMatchObject({
        osId: 'debian',
        osVersion: '12',
        osName: 'Debian GNU/Linux 12 (bookworm)',
        resolvers: ['127.0.0.53', '192.0.2.1'],
        rke2Version: 'v1.35.7+rke2r1',
        hasEtcdData: true,
        stamps: { 'rke2-server.service': 'abc123' },
        dropIns: ['50 odd\ufffdname.yaml'],
      });
      const own = { owner: me, group: me };
      expect(facts.files).toEqual({
        '/a/text': { ...own, mode: '0640', content: "it's \u2713\n$(touch x)\n" },
        '/a/big': { ...own, mode: '0600', content: null },
        '/a/binary': { ...own, mode: '0600', content: null },
        '/a/empty': { ...own, mode: '0644', content: '' },
        '/a/link': { mode: '0000', owner: 'unknown', group: 'unknown', content: null },
        '/a/none': null,
      });
    });

    it('asks a server for the Nodes of its cluster', async () => {
      put(
        'var/lib/rancher/rke2/bin/kubectl',
        `#!/bin/sh\nprintf '%s\\n' "$@" > '${root}/asked'\nprintf 's1 control-plane=true etcd=true voter=True\\na1 control-plane= etcd= voter=\\n'\n`,
        0o755,
      );
      expect((await readFacts([])).clusterNodes).toEqual([]);
      put('etc/rancher/rke2/rke2.yaml', 'x');
      expect((await readFacts([])).clusterNodes).toEqual([
        { name: 's1', role: 'server', isVoter: true },
        { name: 'a1', role: 'agent', isVoter: false },
      ]);
      expect(readFileSync(join(root, 'asked'), 'utf8')).toContain(
        String.raw`jsonpath={range .items[*]}{.metadata.name} control-plane={.metadata.labels.node-role\.kubernetes\.io/control-plane} etcd={.metadata.labels.node-role\.kubernetes\.io/etcd} voter={.status.conditions[?(@.type=="EtcdIsVoter")].status}{"\n"}{end}`,
      );
    });

    it('reads when the first leaf certificate of RKE2 ends, and no CA', async () => {
      const tls = 'var/lib/rancher/rke2/server/tls';
      const make = (path: string, days: number) => {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
        const files = ['-keyout', '/dev/null', '-out', join(root, path), '-subj', '/CN=x'];
        execFileSync('openssl', [...request, ...files, '-days', String(days)], { stdio: 'ignore' });
      };
      expect((await readFacts([])).certificateDays).toBeNull();
      make(`${tls}/server-ca.crt`, 5);
      put(`${tls}/broken.crt`, 'no certificate');
      expect((await readFacts([])).certificateDays).toBeNull();
      make(`${tls}/serving-kube-apiserver.crt`, 365);
      make(`${tls}/etcd/client.crt`, 31);
      make('var/lib/rancher/rke2/agent/client-kubelet.crt', 90);
      expect([30, 31]).toContain((await readFacts([])).certificateDays);
    });

    it('measures free space where RKE2 keeps its data, or would keep it', async () => {
      put(
        'bin/df',
        `#!/bin/sh
for last in "$@"; do :; done
case "$last" in */var/lib/rancher/rke2) free=3 ;; */var/lib/rancher) free=2 ;; *) free=1 ;; esac
printf 'head\\n/dev/sda1 9 9 %s 1%% /\\n' "$((free * 1048576))"
`,
        0o755,
      );
      mkdirSync(join(root, 'var/lib'), { recursive: true });
      expect((await readFacts([])).dataFreeGiB).toBe(1);
      mkdirSync(join(root, 'var/lib/rancher'));
      expect((await readFacts([])).dataFreeGiB).toBe(2);
      mkdirSync(join(root, 'var/lib/rancher/rke2'));
      expect((await readFacts([])).dataFreeGiB).toBe(3);
    });

    it('reads what an enforcing SELinux allows', async () => {
      const port = (number: number) => `portcon tcp ${number} system_u:object_r:http_port_t:s0\n`;
      const ports = 'var/lib/selinux/targeted/active/ports.local';
      put('bin/rpm', '#!/bin/sh\nexit 1\n', 0o755);
      put('sys/fs/selinux/enforce', '1');
      expect((await readFacts([])).selinux).toBe('enforcing');
      put(ports, `# auto\n${port(6443)}${port(9345)}`);
      put('sys/fs/selinux/booleans/httpd_can_network_connect', '0 0');
      expect((await readFacts([])).selinux).toBe('enforcing');
      put('sys/fs/selinux/booleans/httpd_can_network_connect', '1 1');
      expect((await readFacts([])).selinux).toBe('enforcing with nginx ports');
      put(ports, port(6443) + port(64430));
      put('bin/rpm', '#!/bin/sh\nexit 0\n', 0o755);
      expect((await readFacts([])).selinux).toBe('enforcing with rke2-selinux');
      put('sys/fs/selinux/enforce', '0');
      expect((await readFacts([])).selinux).toBe('permissive');
    });

    it('puts slots in for known secrets and masks the others', async () => {
      put('c', 'token: "sesame-sesame"\nagent-token: other-secret\nnode-name: s1\n');
      const facts = await readFacts(['/c'], (text) => text.replaceAll('sesame-sesame', '⟦secret join v1⟧'));
      expect(facts.files['/c']?.content).toBe(
        'token: "⟦secret join v1⟧"\nagent-token: ⟦masked⟧\nnode-name: s1\n',
      );
    });
  },
);
