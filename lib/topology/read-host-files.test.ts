import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { toDefaultTopology } from './create-topology';
import { parseHosts } from './parse-hosts';

const errorsOf = (text: string) =>
  parseHosts(text).rows.flatMap(({ line, error }) => (error === null ? [] : [`${line}: ${error}`]));

const SSH_CONFIG = `
# my hosts
Host gate
  HostName 198.51.100.1
  User jump
  Port 2222
Host s1
  HostName 192.0.2.1
  ProxyJump gate
  IdentityFile ~/.ssh/id_ed25519
host=s2
  hostname=192.0.2.2
  user "ops"
  ProxyJump first.example.net:22,admin@gate
Host 192.0.2.3
  ProxyJump none
Host *
  User ubuntu
  Port 22
`;

const INVENTORY = `
[rke2_servers]
s1.example.net ansible_host=198.51.100.11 ip=192.0.2.1
[rke2_agents]
a1 ansible_host=192.0.2.2 ansible_port=2200
[lbs]
192.0.2.3 ansible_user='root'
[cluster:children]
rke2_servers
rke2_agents
[kube_node]
s1.example.net
[all:vars]
ansible_user=ubuntu
ansible_ssh_common_args='-o ProxyJump=jump@198.51.100.1:2222'
`;

describe('an ssh_config', () => {
  it('gives hosts with their way in; what others jump through is no host', () => {
    const gate = { address: '198.51.100.1', port: 2222, user: 'jump' };
    expect(parseHosts(SSH_CONFIG)).toMatchObject({
      rows: [{ line: 7 }, { line: 11 }, { line: 15 }],
      hosts: [
        { name: 's1', internalIp: '192.0.2.1', ssh: { user: 'ubuntu', port: 22, bastion: gate } },
        {
          name: 's2',
          internalIp: '192.0.2.2',
          ssh: {
            user: 'ops',
            port: 22,
            bastion: { ...gate, user: 'admin', bastion: { address: 'first.example.net', port: 22 } },
          },
        },
        { internalIp: '192.0.2.3', ssh: { user: 'ubuntu', port: 22 } },
      ],
    });
    expect(parseHosts(SSH_CONFIG).hosts[2]).not.toHaveProperty('name');
    expect(parseHosts(SSH_CONFIG).hosts[2]?.ssh).not.toHaveProperty('bastion');
  });

  it.each([
    [
      'Host s1\n  HostName s1.example.net',
      '1: “s1.example.net”: HostName is no IPv4 address; write the one that the other nodes use',
    ],
    ['Host S1\n  HostName 192.0.2.1', '1: “S1”: lowercase letters, digits and dashes, at most 63'],
    ['Host s1\n  HostName 192.0.2.1\n  Port 70000', '1: “70000”: ports end at 65535'],
    ['Host s1\n  HostName 192.0.2.1\n  User -oProxyCommand=x', '1: “-oProxyCommand=x”: not a user name'],
    ['Host s1\n  HostName 192.0.2.1\n  ProxyJump -x', '1: “-x”: not a host name or address'],
    ['Host s1\n  HostName 192.0.2.1\n  ProxyJump a,b,c,d', '1: more than 3 hosts to jump through'],
    ['Host s*\n  HostName 192.0.2.1', '1: only “Host *” is read as a pattern'],
    [
      'Host s1\n  HostName 192.0.2.1\nMatch user x\n  Port 1',
      '1: Match and Include are not read; write the hosts out',
    ],
    ['Host s1\n  HostName 192.0.2.1\nHost s2\n  HostName 192.0.2.1', '3: 192.0.2.1 stands in line 1 already'],
  ])('%j is refused in words', (text, error) => expect(errorsOf(text)).toEqual([error]));
});

describe('an Ansible inventory', () => {
  it('gives hosts with roles from groups and variables from host, group and all', () => {
    const bastion = { address: '198.51.100.1', port: 2222, user: 'jump' };
    expect(parseHosts(INVENTORY).hosts).toEqual([
      {
        name: 's1',
        role: 'server',
        internalIp: '192.0.2.1',
        ssh: { address: '198.51.100.11', user: 'ubuntu', bastion },
      },
      { name: 'a1', role: 'agent', internalIp: '192.0.2.2', ssh: { user: 'ubuntu', port: 2200, bastion } },
      { role: 'lb', internalIp: '192.0.2.3', ssh: { user: 'root', bastion } },
    ]);
  });

  it.each([
    ['[servers]\ns1', '2: no IPv4 address: give the host ansible_host or ip'],
    ['[servers]\nweb[01:02] ansible_host=192.0.2.1', '2: 192.0.2.1 stands in this line already'],
    ['[servers]\nweb[01:x] ansible_host=192.0.2.1', '2: “[01:x]” is no range such as [01:10] or [a:f]'],
    ['[servers]\n10.[0:9].[0:9].[0:99]', '2: the pattern means more than 1000 hosts'],
    ['[servers]', '1: no host stands in this text'],
    [
      '[servers]\ns1 ansible_host=192.0.2.1 ansible_ssh_common_args=\'-o ProxyCommand="ssh -W %h:%p gate"\'',
      '2: ProxyCommand is not read; write the jump host as ProxyJump or -J',
    ],
    ['[servers]\ns1 ansible_host=192.0.2.1 ansible_port=ssh', '2: “ssh”: a port is a whole number'],
    ['[servers]\ns_1 ansible_host=192.0.2.1', '2: “s_1”: lowercase letters, digits and dashes, at most 63'],
  ])('%j is refused in words', (text, error) => expect(errorsOf(text)).toEqual([error]));
});

it('any text like these gives hosts or an error, and hosts always make a topology', () => {
  const fragments = [
    'Host ',
    'HostName ',
    'ProxyJump ',
    'User ',
    'Port ',
    '\n',
    ' ',
    '[',
    ']',
    ':vars',
    '=',
    'ansible_host=',
    's1',
    '192.0.2.1',
    '192.0.2.2',
    'a,b',
    '*',
    '"',
    "'",
    '\u0000',
    'server',
    ':',
    '@',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom('Host s1\nHostName 192.0.2.1\n', '[servers]\n', ''),
      fc.array(fc.oneof(fc.constantFrom(...fragments), fc.string({ maxLength: 4 })), { maxLength: 25 }),
      (start, parts) => {
        const { hosts, rows } = parseHosts(start + parts.join(''));
        for (const row of rows) expect(row.error === null).toBe(row.hosts.length > 0);
        const nodes = hosts.map((host, index) => ({ ...host, id: NodeId.parse(`n-${index}x`) }));
        expect(
          toDefaultTopology('custom', nodes as Parameters<typeof toDefaultTopology>[1]).nodes,
        ).toHaveLength(hosts.length);
      },
    ),
    { numRuns: 500 },
  );
});
