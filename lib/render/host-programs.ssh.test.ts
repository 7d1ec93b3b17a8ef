import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { edgeSite } from '@/lib/testing/edge-site';
import { exampleLayout, SERVER_TOKEN } from '@/lib/testing/example-layout';
import { runInNetworkNamespace, runProgram } from '@/lib/testing/in-network-namespace';
import { ETCD_USER_PATH } from './cis-files';
import { FIREWALL_PATH } from './firewall';
import { LOCAL_PATH_STORAGE_PATH } from './local-path-storage';
import { renderEveryFile } from './render-every-file';
import { toDropInPath } from './service-drop-ins';

/** Every different file of an HA site and of an edge site, with everything switched on. */
const FILES = [
  exampleLayout({
    security: { serverToken: SERVER_TOKEN, firewall: 'nftables', cisProfile: true },
    edge: { embeddedRegistry: true, trafficShaping: { enabled: true, uplinkKbit: 10_000 } },
    cilium: { wireguard: true, prometheus: true },
    etcd: { exposeMetrics: true },
  }),
  edgeSite(),
].flatMap((topology) => topology.nodes.flatMap(({ id }) => renderEveryFile(topology, id)));

const contentOf = (path: string) => FILES.find((file) => file.path === path)?.content ?? '';

/** Contract 12: rendered files meet their own programs. A missing program fails; it does not skip. */
describe('files that later releases place', () => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'siteplan-host-files-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('satisfy nft -c, the firewall of every role among them', () => {
    const rulesets = [
      ...new Set(FILES.filter(({ path }) => path.endsWith('.nft')).map(({ content }) => content)),
    ];
    expect(rulesets.length).toBeGreaterThan(3);
    for (const content of rulesets)
      expect(checkRuleset(content)).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('and nft -c does refuse a broken one', () => {
    const broken = contentOf(FIREWALL_PATH).replace('@servers', '@strangers');
    expect(checkRuleset(broken)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/strangers.*does not exist|No such file/) as string,
    });
  });

  it('satisfy systemd-analyze verify, units and drop-ins', () => {
    const units = new Set(
      FILES.map(({ path }) => path).filter((path) => path.startsWith('/etc/systemd/system/')),
    );
    expect([...units].filter((path) => path.endsWith('.service'))).toHaveLength(4);
    expect([...units].filter((path) => path.endsWith('.conf'))).toHaveLength(4);
    for (const path of units) expect([path, verifyUnit(path, contentOf(path))]).toEqual([path, '']);
  });

  it('and systemd-analyze verify does refuse broken ones', () => {
    for (const path of [toDropInPath('nginx.service'), '/etc/systemd/system/siteplan-firewall.service']) {
      expect(verifyUnit(path, contentOf(path).replace('[Service]', '[Service]\nRestartsSec=2s'))).toMatch(
        /Unknown key (name )?'RestartsSec'/,
      );
    }
  });

  it('satisfy sh -n in dash and bash, scripts in manifests and units too', () => {
    const scripts = FILES.filter(({ path }) => path.endsWith('.sh')).map(({ content }) => content);
    const settings = parseAllDocuments(contentOf(LOCAL_PATH_STORAGE_PATH))
      .map((document) => document.toJS() as { kind: string; data?: Record<string, string> })
      .find(({ kind }) => kind === 'ConfigMap')?.data;
    const waits = FILES.flatMap(({ content }) => [
      ...content.matchAll(/^ExecStartPre=\/bin\/sh -c '(.*)'$/gm),
    ]);
    const all = [
      ...scripts,
      settings?.setup ?? '',
      settings?.teardown ?? '',
      ...waits.map(([, wait = '']) => wait),
    ];
    expect(new Set(all).size).toBeGreaterThan(8);
    for (const script of all) {
      expect(script).not.toBe('');
      writeFileSync(join(dir, 'script.sh'), script);
      for (const shell of [['dash'], ['bash', '--posix']]) {
        expect(runProgram(shell[0] ?? '', [...shell.slice(1), '-n', join(dir, 'script.sh')])).toEqual({
          status: 0,
          stdout: '',
          stderr: '',
        });
      }
    }
  });

  it('make the user and the group etcd, by systemd-sysusers', () => {
    const root = join(dir, 'root');
    mkdirSync(join(root, dirname(ETCD_USER_PATH)), { recursive: true });
    writeFileSync(join(root, ETCD_USER_PATH), contentOf(ETCD_USER_PATH));
    expect(runProgram('systemd-sysusers', [`--root=${root}`, basename(ETCD_USER_PATH)])).toMatchObject({
      status: 0,
    });
    expect(readFileSync(join(root, 'etc/passwd'), 'utf8')).toMatch(
      /^etcd:.*:etcd user:.*:\/usr\/sbin\/nologin$/m,
    );
    expect(readFileSync(join(root, 'etc/group'), 'utf8')).toMatch(/^etcd:/m);
  });

  /** Checks it against an empty kernel, where its sets and chains have to stand by themselves. */
  function checkRuleset(content: string) {
    writeFileSync(join(dir, 'rules.nft'), content);
    return runInNetworkNamespace('nft -c -f "$1"', [join(dir, 'rules.nft')]);
  }

  /** What systemd says against a unit or drop-in; units of packages that it names are there as stubs. */
  function verifyUnit(path: string, content: string): string {
    const units = mkdtempSync(join(dir, 'units-'));
    const stub = '[Unit]\nDescription=Stub\n[Service]\nExecStart=/bin/true\n';
    for (const name of ['tailscaled', 'nftables', 'nginx', 'keepalived', 'rke2-server', 'rke2-agent']) {
      writeFileSync(join(units, `${name}.service`), stub);
    }
    const [parent, name] = [basename(dirname(path)), basename(path)];
    const unit = parent.endsWith('.d') ? parent.slice(0, -'.d'.length) : name;
    if (parent.endsWith('.d')) mkdirSync(join(units, parent));
    writeFileSync(join(units, parent.endsWith('.d') ? join(parent, name) : name), content);
    const { stderr } = runProgram('env', [
      `SYSTEMD_UNIT_PATH=${units}:/usr/lib/systemd/system`,
      'systemd-analyze',
      'verify',
      '--man=no',
      join(units, unit),
    ]);
    return stderr
      .split('\n')
      .filter((line) => line.includes(units))
      .join('\n');
  }
});
