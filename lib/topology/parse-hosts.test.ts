import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { toDefaultTopology } from './create-topology';
import { parseHosts } from './parse-hosts';

const errorsOf = (text: string) =>
  parseHosts(text).rows.flatMap(({ line, error }) => (error === null ? [] : [`${line}: ${error}`]));

describe('parseHosts', () => {
  it('reads addresses, names with addresses in either order, comments and blank lines', () => {
    const { hosts, rows } = parseHosts('# site one\n192.0.2.1\r\n\n  s2 192.0.2.2\n192.0.2.3\ts3\n');
    expect(hosts).toEqual([
      { internalIp: '192.0.2.1' },
      { name: 's2', internalIp: '192.0.2.2' },
      { name: 's3', internalIp: '192.0.2.3' },
    ]);
    expect(rows.map(({ line }) => line)).toEqual([2, 4, 5]);
  });

  it('reads ranges', () => {
    expect(parseHosts('192.0.2.9-11').hosts.map(({ internalIp }) => internalIp)).toEqual([
      '192.0.2.9',
      '192.0.2.10',
      '192.0.2.11',
    ]);
    expect(parseHosts('192.0.2.254-192.0.3.1').hosts).toHaveLength(4);
    expect(errorsOf('192.0.2.9-8')).toEqual(['1: the range ends before it starts']);
    expect(errorsOf('10.0.0.0-10.9.0.0')).toEqual(['1: the range has more than 1000 addresses']);
    expect(errorsOf('192.0.2.9-300')).toEqual(['1: “192.0.2.9-300” is no range of IPv4 addresses']);
  });

  it('reads CSV with a header, quotes and empty cells', () => {
    const text =
      'Name,IP,External IP,Role,User,Port,Arch,OS,Zone\ns1,192.0.2.1,,Server,ubuntu,2222,x86_64,"Ubuntu 24.04, minimal",r1\na1,192.0.2.2,100.64.1.2,worker,,,aarch64,,"rack ""2"""\n';
    expect(parseHosts(text).hosts).toEqual([
      {
        name: 's1',
        internalIp: '192.0.2.1',
        role: 'server',
        ssh: { user: 'ubuntu', port: 2222 },
        arch: 'amd64',
        os: 'Ubuntu 24.04, minimal',
        zone: 'r1',
      },
      {
        name: 'a1',
        internalIp: '192.0.2.2',
        externalIp: '100.64.1.2',
        role: 'agent',
        arch: 'arm64',
        zone: 'rack "2"',
      },
    ]);
  });

  it('reads the table of the architecture text as it stands', () => {
    const text = [
      '| Hostname | Internal IP | External IP | Role | Arch | OS |',
      '|---|---|---|---|---|---|',
      '| s1 | 192.168.10.10 | 100.64.1.10 | Server | x86_64 | Ubuntu 24.04 |',
      '| a1 | 192.168.10.13 | 100.64.1.13 | Agent | ARM64 | Ubuntu 24.04 |',
    ].join('\n');
    expect(parseHosts(text).hosts).toEqual([
      {
        name: 's1',
        internalIp: '192.168.10.10',
        externalIp: '100.64.1.10',
        role: 'server',
        arch: 'amd64',
        os: 'Ubuntu 24.04',
      },
      {
        name: 'a1',
        internalIp: '192.168.10.13',
        externalIp: '100.64.1.13',
        role: 'agent',
        arch: 'arm64',
        os: 'Ubuntu 24.04',
      },
    ]);
  });

  it('reads what spreadsheets export, with a mark in front and Windows line ends', () => {
    expect(parseHosts('\ufeffname;ip\r\ns1;192.0.2.1\r\n').hosts).toEqual([
      { name: 's1', internalIp: '192.0.2.1' },
    ]);
  });

  it('keeps empty cells at the end of tab-separated rows', () => {
    expect(parseHosts('name\tip\tzone\ns1\t192.0.2.1\t').hosts).toEqual([
      { name: 's1', internalIp: '192.0.2.1' },
    ]);
  });

  it.each([
    ['192.0.2.300', '1: “192.0.2.300”: not an IPv4 address'],
    ['s1 host.example.net', '1: “host.example.net”: not an IPv4 address'],
    ['S1 192.0.2.1', '1: “S1”: lowercase letters, digits and dashes, at most 63'],
    [
      's1 192.0.2.1 server',
      '1: write an address, or a name and an address; more needs a table with a header',
    ],
    ['192.0.2.1\ns2 192.0.2.1', '2: 192.0.2.1 stands in line 1 already'],
    ['s1 192.0.2.1\ns1 192.0.2.2', '2: s1 stands in line 1 already'],
    ['ip,role\n192.0.2.1,boss', '2: “boss” is no role; known are server, agent, lb'],
    ['ip,arch\n192.0.2.1,sparc', '2: “sparc” is no architecture; known are amd64, arm64'],
    ['ip,port\n192.0.2.1,70000', '2: “70000”: ports end at 65535'],
    ['ip,port\n192.0.2.1,ssh', '2: “ssh”: a port is a whole number'],
    ['ip,user\n192.0.2.1,-oProxyCommand', '2: “-oProxyCommand”: not a user name'],
    [
      'ip,os\n192.0.2.1,⟦secret a v1⟧',
      '2: “⟦secret a v1⟧”: no line breaks, control characters, direction marks or ⟦ ⟧',
    ],
    [
      'ip,colour\n192.0.2.1,red',
      '1: unknown column “colour”; known are name, ip, external ip, role, user, port, ssh address, arch, os, zone',
    ],
    [
      'ip,ssh password\n192.0.2.1,hunter2',
      '1: passwords are not read; take the column out and store a credential instead',
    ],
    ['ip,name\n192.0.2.1', '2: 1 column, but the header has 2'],
    ['ip,name\n192.0.2.1,"s1', '2: a quote is opened and not closed'],
    ['ip,name\n,s1', '2: no address'],
    ['ip,name\n192.0.2.1,"s"1', '2: text after a closing quote; write "" for a quote in a cell'],
    ['ip,address,name\n192.0.2.1,192.0.2.2,s1', '1: two columns mean the same (internalIp); take one out'],
    ['ip,external ip\n192.0.2.1,100.64.1.1\n192.0.2.2,192.0.2.1', '3: 192.0.2.1 stands in line 2 already'],
    ['ip,zone\n192.0.2.1,r\u202e1', '2: “r�1”: no line breaks, control characters, direction marks or ⟦ ⟧'],
    [
      `${'a'.repeat(300)} 192.0.2.1`,
      `1: “${'a'.repeat(60)}…”: lowercase letters, digits and dashes, at most 63`,
    ],
    ['s_1 192.0.2.1', '1: “s_1”: lowercase letters, digits and dashes, at most 63'],
    ['1.2.3.4\u0000', '1: “1.2.3.4�”: not an IPv4 address'],
  ])('says what is wrong with %j', (text, error) => {
    expect(errorsOf(text)).toContain(error);
  });

  it.each([
    '{"ansible_password":"hunter2"}',
    'password=hunter2',
    's1 192.0.2.1 ansible_become_pass = hunter2',
    'ip,name\n192.0.2.1,token:hunter2',
    'ip,password: hunter2',
  ])('shows no password of %j', (text) => {
    const list = parseHosts(text);
    expect(list.rows.at(-1)?.error).toMatch(/^passwords are not read; take .* out and store a credential/);
    expect(JSON.stringify(list)).not.toContain('hunter2');
  });

  it('imports nothing while one row is wrong, but shows what the others mean', () => {
    const { hosts, rows } = parseHosts('192.0.2.1\nnonsense\n192.0.2.3');
    expect(hosts).toEqual([]);
    expect(rows.map((row) => row.hosts.length)).toEqual([1, 0, 1]);
  });

  it('bounds the text and the number of hosts', () => {
    expect(() => parseHosts('x'.repeat(2_000_000))).toThrow('has 1.9 MiB; at most 1 MiB is read');
    expect(errorsOf('10.0.0.0-10.0.3.231\n10.1.0.0')).toEqual(['2: more than 1000 hosts']);
  });

  it('gives hosts or an error for any text, and hosts always make a topology', () => {
    const fragments = [
      '192.0.2.1',
      '192.0.2.2-9',
      's1',
      'ip',
      'name',
      'role',
      'zone',
      ',',
      ';',
      '\t',
      '|',
      '"',
      '\n',
      ' ',
      '#',
      'server',
      '⟦',
      '\u0000',
      '\ud800',
    ];
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...fragments), fc.string({ maxLength: 4 })), { maxLength: 20 }),
        (parts) => {
          const { hosts, rows } = parseHosts(parts.join(''));
          for (const row of rows) expect(row.error === null).toBe(row.hosts.length > 0);
          const nodes = hosts.map((host, index) => ({ ...host, id: NodeId.parse(`n-${index}x`) }));
          expect(toDefaultTopology('custom', nodes).nodes).toHaveLength(hosts.length);
        },
      ),
      { numRuns: 500 },
    );
  });
});
