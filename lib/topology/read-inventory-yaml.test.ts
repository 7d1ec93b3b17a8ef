import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAppError } from '@/lib/core/errors';
import { NodeId } from '@/lib/core/ids';
import { toDefaultTopology } from './create-topology';
import { parseHosts } from './parse-hosts';

const errorsOf = (text: string) =>
  parseHosts(text).rows.flatMap(({ line, error }) => (error === null ? [] : [`${line}: ${error}`]));

const INVENTORY = `---
# the rack by the door
all:
  vars: &login
    ansible_user: ubuntu
    ansible_password: hunter2-all
  children:
    rke2_cluster:
      vars: { ansible_port: 2200, ansible_ssh_common_args: '-o StrictHostKeyChecking=yes -J jump@198.51.100.1:2222' }
      children:
        rke2_servers:
          vars: { ansible_user: admin }
          hosts:
            s1.example.net: { ansible_host: 198.51.100.11, ip: 192.0.2.1 }
            s[02:03]: { arch: x86_64 }
        rke2_agents:
          hosts:
            192.0.2.[20:22]: { <<: *login, ansible_become_pass: hunter2-host }
            a1:
              ansible_host: 192.0.2.9
              ansible_user: 010
              ansible_ssh_pass: !vault |
                $ANSIBLE_VAULT;1.1;AES256
                62313365
    lbs: { hosts: 192.0.2.30 }
`;

const KUBEKEY = `
apiVersion: kubekey.kubesphere.io/v1alpha2
kind: Cluster
metadata: { name: sample }
spec:
  hosts:
  - {name: node1, address: 198.51.100.2, internalAddress: "192.0.2.2,2022::2", port: 8022, user: ubuntu, password: "Hunter@2"}
  - {name: node2, address: 192.0.2.3, internalAddress: 192.0.2.3, arch: arm64, privateKeyPath: "~/.ssh/id_rsa"}
  - name: node3
    address: 192.0.2.4
    privateKey: LS0tLS1CRUdJTg==
    labels: { disk: ssd }
  roleGroups:
    etcd: [node1]
    control-plane:
    - node1
    worker:
    - node[1:3]
  controlPlaneEndpoint: { domain: lb.example.net, port: 6443 }
---
kind: ClusterConfiguration
spec: { auth: { password: other } }
`;

describe('an Ansible inventory in YAML', () => {
  it('gives hosts with roles from groups and variables from the nearest group', () => {
    const text = INVENTORY.replace(
      's[02:03]: { arch: x86_64 }',
      's2: { ip: 192.0.2.2, arch: x86_64 }',
    ).replace('ansible_user: 010', 'ansible_user: no');
    const way = { port: 2200, bastion: { address: '198.51.100.1', port: 2222, user: 'jump' } };
    expect(parseHosts(text).hosts).toEqual([
      {
        name: 's1',
        role: 'server',
        internalIp: '192.0.2.1',
        ssh: { address: '198.51.100.11', user: 'admin', ...way },
      },
      { name: 's2', role: 'server', internalIp: '192.0.2.2', arch: 'amd64', ssh: { user: 'admin', ...way } },
      ...[20, 21, 22].map((last) => ({
        role: 'agent',
        internalIp: `192.0.2.${last}`,
        ssh: { user: 'ubuntu', ...way },
      })),
      // YAML of old would make a truth value of the name, and an eight of 010.
      { name: 'a1', role: 'agent', internalIp: '192.0.2.9', ssh: { user: 'no', ...way } },
      { role: 'lb', internalIp: '192.0.2.30', ssh: { user: 'ubuntu' } },
    ]);
  });

  it('takes the last by name of groups that are equally deep, and bears a group within itself', () => {
    const group = (user: string) => `{vars: {ansible_user: ${user}}, hosts: {192.0.2.1: }}`;
    const text = `a: ${group('ann')}\nc: ${group('cleo')}\nb: ${group('bob')}\nd: {children: {d: }}`;
    expect(parseHosts(text).hosts).toEqual([{ internalIp: '192.0.2.1', ssh: { user: 'cleo' } }]);
  });

  it('is known in compact JSON, whose password is shown nowhere', () => {
    const host = { ansible_host: '192.0.2.1', ansible_password: 'hunter2secret' };
    const list = parseHosts(JSON.stringify({ all: { hosts: { s1: host } } }));
    expect(list.hosts).toEqual([{ name: 's1', internalIp: '192.0.2.1' }]);
    expect(list.leftOut).toEqual(['ansible_password']);
    expect(JSON.stringify(list)).not.toContain('hunter2');
    for (const text of [
      `{all: {children: {x: {hosts: {s1: ${JSON.stringify(host)}}}}}}`,
      ` {'all':{'hosts':{'s1':${JSON.stringify(host)}}}}`,
    ]) {
      expect(parseHosts(text)).toMatchObject({ hosts: list.hosts, leftOut: list.leftOut });
    }
  });

  it('marks each host that is wrong and takes none over', () => {
    const { rows, hosts } = parseHosts(INVENTORY);
    expect(hosts).toEqual([]);
    expect(errorsOf(INVENTORY)).toEqual([
      '15: no IPv4 address: give the host ansible_host or ip',
      '15: no IPv4 address: give the host ansible_host or ip',
      '19: “010”: not a user name',
    ]);
    expect(rows.map(({ line, text }) => `${line} ${text}`)).toContain('14 s1.example.net');
  });

  it('keeps no password, and says which were left out', () => {
    const list = parseHosts(INVENTORY);
    expect(list.leftOut).toEqual(['ansible_become_pass', 'ansible_password', 'ansible_ssh_pass']);
    expect(JSON.stringify(list)).not.toMatch(/hunter2|ANSIBLE_VAULT|62313365/);
    const ini = parseHosts(
      '[servers]\ns1 ansible_host=192.0.2.1 ansible_password="hunter2 x\n[all:vars]\nansible_become_password=hunter2',
    );
    expect(ini.leftOut).toEqual(['ansible_become_password', 'ansible_password']);
    expect(ini.hosts).toEqual([{ name: 's1', internalIp: '192.0.2.1', role: 'server' }]);
    expect(JSON.stringify(ini)).not.toMatch(/hunter2/);
  });

  it.each([
    ['all:\n  hosts:\n    s1:', '3: no IPv4 address: give the host ansible_host or ip'],
    ['all:\n  hosts:\n    - s1', '2: hosts are written as name and colon, not as a list'],
    ['all:\n  hots: {}\n  children:', '2: a group has no “hots”; known are hosts, vars and children'],
    ['servers: x\nall:\n  hosts: {192.0.2.1: }', '1: a group has hosts, vars or children below it'],
    ['all:\n  children:\n', '1: no host stands in this text'],
    [
      'all:\n  hosts:\n    s1: {ansible_host: 192.0.2.1}\n    s2: {ansible_host: 192.0.2.1}',
      '4: 192.0.2.1 stands in line 3 already',
    ],
    [
      'all:\n  hosts:\n    s1: {ansible_host: 192.0.2.1, node_labels: {a b: c}}',
      '3: labels a b: not a valid name: not a label’s name such as example.com/tier',
    ],
    [
      'all:\n  hosts:\n    s1: {ansible_host: 192.0.2.1, node_taints: [{a: b}]}',
      '3: taints 0 key: is missing',
    ],
    [
      'all:\n  hosts:\n    s1: {ansible_host: 192.0.2.1, ansible_user: "{{ x }}"}',
      '3: “{{ x }}”: not a user name',
    ],
  ])('%j is refused in words', (text, error) => expect(errorsOf(text)).toEqual([error]));

  const bomb = (join: (names: string) => string) =>
    [
      'all: &l0 {hosts: {s1: {a: b, c: d, e: f}}}',
      ...Array.from(
        { length: 12 },
        (_, level) => `l${level + 1}: &l${level + 1} ${join(`*l${level} ,`.repeat(9))}`,
      ),
    ].join('\n');
  it.each([
    [
      'a bomb',
      bomb((names) => `[${names}]`),
      /^Line \d+: written out, the aliases make more than 100000 values\.$/,
    ],
    ['a bomb of merge keys', bomb((names) => `{<<: [${names}]}`), /written out, the aliases make more than/],
    ['an alias within its anchor', 'all: &a\n  hosts: *a', /^Line 2: this alias \(\*\) has no anchor/],
    ['an alias of nothing', 'all:\n  hosts: *a', /^Line 2: this alias/],
    [
      'a merge of a list',
      'x: &x [a]\nall:\n  <<: *x\n  hosts:',
      /A merge key \(<<\) takes an alias of a map/,
    ],
    ['an unknown tag', 'all:\n  hosts: !!python/object x', /^Line 2: Unresolved tag/],
    ['a cut text', 'all:\n  hosts: {s1: {', /^Line 2: /],
    ['a key twice', 'all:\n  hosts:\n  hosts:', /^Line 2: Map keys must be unique/],
    ['two documents', 'all:\n  hosts:\n---\nall:\n', /^Line 3: a second document starts here/],
    ['depth', `all:\n  children: ${'{a: '.repeat(60)}${'}'.repeat(60)}\n`, /nested more than 40 levels/],
    ['1,001 hosts', 'all:\n  hosts:\n    10.0.0.[1:9]:\n    10.0.[1:10].[1:100]:', /more than 1000 hosts/],
    ['1.1 MiB', `all:\n  hosts:\n${' '.repeat(1_100_000)}`, /at most 1 MiB is read/],
  ])('%s is refused as a whole', (_what, text, words) => {
    expect(() => parseHosts(text)).toThrow(words);
  });
});

describe('a KubeKey cluster', () => {
  it('gives hosts with roles and addresses; a server that is a worker too is a server', () => {
    const list = parseHosts(KUBEKEY);
    expect(list.hosts).toEqual([
      {
        name: 'node1',
        role: 'server',
        internalIp: '192.0.2.2',
        ssh: { address: '198.51.100.2', port: 8022, user: 'ubuntu' },
      },
      { name: 'node2', role: 'agent', internalIp: '192.0.2.3', arch: 'arm64' },
      { name: 'node3', role: 'agent', internalIp: '192.0.2.4', labels: { disk: 'ssd' } },
    ]);
    expect(list.rows.map(({ line, text }) => `${line} ${text}`)).toEqual(['7 node1', '8 node2', '9 node3']);
    expect(list.leftOut).toEqual(['password', 'privateKey']);
    expect(JSON.stringify(list)).not.toMatch(/Hunter|LS0t/);
  });

  it.each([
    [KUBEKEY.replace('- node[1:3]', '- node[1:4]'), '18: “node4” is not among spec.hosts'],
    [
      KUBEKEY.replace('control-plane:\n    - node1', 'registry: node1'),
      '15: a role group is a list of names',
    ],
    [
      KUBEKEY.replace('node[1:3]', 'node[2:3]').replace('control-plane', 'registry'),
      '7: etcd, registry: no role of Siteplan, which runs etcd on the servers; add control-plane or worker, or take the host out',
    ],
    [
      KUBEKEY.replace('address: 192.0.2.4', 'address: db.example.net'),
      '9: no IPv4 address: give the host address or internalAddress',
    ],
    [KUBEKEY.replaceAll('192.0.2.3', '192.0.2.2'), '8: 192.0.2.2 stands in line 7 already'],
    [
      KUBEKEY.replace('node2, address', 'node1, address').replace('node[1:3]', 'node1'),
      '8: node1 stands in line 7 already',
    ],
    ['kind: Cluster\nspec:\n  hosts: []\n', '2: spec.hosts lists no host'],
    [
      'apiVersion: k0sctl.k0sproject.io/v1beta1\nkind: Cluster\nspec: {}',
      '2: of files with a kind, only KubeKey’s kind: Cluster is read',
    ],
    [
      KUBEKEY.replace('kind: Cluster', 'kind: Inventory'),
      '3: of files with a kind, only KubeKey’s kind: Cluster is read',
    ],
  ])('is refused in words', (text, error) => expect(errorsOf(text)).toContain(error));
});

it('any text like these gives hosts or an error in words, and hosts always make a topology', () => {
  const fragments = [
    'all:', 'hosts:', 'children:', 'vars:', '\n', '\n  ', '\n    ', ' ', '{', '}', '[', ']', ',', '- ', '&a ', '*a', '<<: *a',
    's1:', 's[1:3]:', '192.0.2.1:', 'ansible_host: 192.0.2.2', '__proto__:', '!vault x', '"', "'", '---\n', 'kind: Cluster',
    'spec:', 'roleGroups:', 'worker:', 'name: s1', 'address: 192.0.2.3', '\u0000', '#', '? ', '| ', '~', '\t',
  ]; // prettier-ignore
  fc.assert(
    fc.property(
      fc.constantFrom(
        'all:\n  hosts:\n',
        'all:\n  hosts:\n    s1: ',
        'kind: Cluster\nspec:\n  hosts:\n  - ',
        '---\n',
      ),
      fc.array(fc.oneof(fc.constantFrom(...fragments), fc.string({ maxLength: 4 })), { maxLength: 25 }),
      (start, parts) => {
        try {
          const { hosts, rows } = parseHosts(start + parts.join(''));
          for (const row of rows) expect(row.error === null).toBe(row.hosts.length > 0);
          const nodes = hosts.map((host, index) => ({ ...host, id: NodeId.parse(`n-${index}x`) }));
          expect(
            toDefaultTopology('custom', nodes as Parameters<typeof toDefaultTopology>[1]).nodes,
          ).toHaveLength(hosts.length);
        } catch (error) {
          if (!isAppError(error)) throw error;
        }
      },
    ),
    { numRuns: 1_000 },
  );
});
