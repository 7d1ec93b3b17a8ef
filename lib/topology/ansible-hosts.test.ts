import { describe, expect, it } from 'vitest';
import { parseHosts } from './parse-hosts';

const toYaml = (options: string) =>
  `all: {hosts: {s1: {ansible_host: 192.0.2.1, ansible_ssh_common_args: ${JSON.stringify(options)}}}}`;

describe('the jump host in the options for ssh', () => {
  const ops = { address: 'bastion.example', user: 'ops' };
  it.each([
    ['-i ~/.ssh/prod-jump -o ProxyJump=bastion.example', { address: 'bastion.example' }],
    ['-i ~/.ssh/prod-J -J bastion.example', { address: 'bastion.example' }],
    ['-J "ops@bastion.example"', ops],
    ["-J 'ops@bastion.example' -4", ops],
    ['-Jops@bastion.example', ops],
    ['-o ProxyJump="ops@bastion.example"', ops],
    ['-o "ProxyJump ops@bastion.example"', ops],
    ['-oproxyjump = ops@bastion.example', ops],
    ['-i ~/.ssh/prod-jump', undefined],
    ['-o ProxyJump=none', undefined],
  ])('%j', (options, bastion) => {
    const [host, ...others] = parseHosts(toYaml(options)).hosts;
    expect(host).toMatchObject({ name: 's1' });
    expect(host?.ssh?.bastion).toEqual(bastion);
    expect(others).toEqual([]);
  });

  it.each(['-o PROXYJUMP=bastion', '-CJ bastion', '-o ProxyJump=""', '-J'])(
    '%j is refused in words',
    (options) => {
      expect(parseHosts(toYaml(options)).rows.map(({ error }) => error)).toEqual([
        'the jump host in the options for ssh is not read; write it as ProxyJump=host or -J host',
      ]);
    },
  );
});

describe('variables of groups', () => {
  const userOf = (text: string) => parseHosts(text).hosts.map(({ ssh }) => ssh?.user);
  const vars = (...groups: string[]) =>
    groups.map((group) => `[${group}:vars]\nansible_user=${group}`).join('\n');
  const host = (...groups: string[]) => groups.map((group) => `[${group}]\n192.0.2.1`).join('\n');

  it.each([
    ['the deeper group wins over the later name', 'a', host('z', 'a'), '[top:children]\na', vars('a', 'z')],
    // top 1, middle 2, low 3: the host stands in low and in z, and middle is deeper than z.
    [
      'the deeper group wins over the nearer one',
      'middle',
      host('low', 'z'),
      '[top:children]\nmiddle\n[middle:children]\nlow',
      vars('middle', 'top', 'z'),
    ],
    [
      'the longest way counts',
      'a',
      host('a', 'b'),
      '[top:children]\na\nmiddle\nb\n[middle:children]\na',
      vars('a', 'b'),
    ],
    ['the last by name of equals', 'c', host('c', 'a', 'b'), vars('c', 'a', 'b')],
    [
      'priority before the name',
      'a',
      host('a', 'b'),
      vars('a', 'b'),
      '[a:vars]\nansible_group_priority=10\n[b:vars]\nansible_group_priority=9',
    ],
    [
      'depth before priority',
      'a',
      host('a', 'b'),
      vars('a', 'b'),
      '[top:children]\na\n[b:vars]\nansible_group_priority=10',
    ],
    ['all comes last', 'a', host('a', 'all'), vars('a', 'all'), '[all:vars]\nansible_group_priority=10'],
    [
      'a child of all is as deep as a group of its own',
      'z',
      host('z', 'a'),
      '[all:children]\na',
      vars('a', 'z'),
    ],
    ['the host comes first', 'me', '[a]\n192.0.2.1 ansible_user=me', vars('a', 'all')],
  ])('%s', (_rule, user, ...parts) => expect(userOf(parts.join('\n'))).toEqual([user]));

  it('of groups within themselves or with a strange priority are refused in words', () => {
    const loop = '[a:children]\nb\n[b:children]\na';
    expect(() => parseHosts(`${host('a')}\n${loop}`)).toThrow('The group “a” stands within itself');
    expect(() => parseHosts(`${host('a')}\n[a:vars]\nansible_group_priority=high`)).toThrow(
      'ansible_group_priority of the group “a” is no whole number',
    );
  });

  it('are found through a chain of groups of any length', () => {
    const chain = Array.from({ length: 20_000 }, (_, at) => `[g${at}:children]\ng${at + 1}`).join('\n');
    expect(userOf(`${host('g20000')}\n${chain}\n${vars('g0', 'g19000')}`)).toEqual(['g19000']);
  });
});

describe('a large inventory', () => {
  const pattern = 'a[1:1000]';
  const tooMuch = /^Written out, the inventory has more than 100000 names and variables of hosts\./;
  const kubeKey = 'kind: Cluster\nspec:\n  hosts: [{name: a1}]\n  roleGroups:\n    worker:\n';

  it('may name 1,000 hosts in many groups', () => {
    const groups = Array.from({ length: 30 }, (_, at) => `[g${at}]\n${pattern} ansible_port=22`);
    expect(parseHosts(groups.join('\n')).rows).toHaveLength(1_000);
  });

  it.each([
    ['20,000 patterns', `[servers]\n${`${pattern}\n`.repeat(20_000)}`],
    ['patterns of many groups', toGroups(200)],
    ['one pattern with 200 variables', `[servers]\n${pattern}${toVariables(200)}`],
    ['patterns of roles', kubeKey + `    - ${pattern}\n`.repeat(20_000)],
  ])('%s are refused in words', (_what, text) => expect(() => parseHosts(text)).toThrow(tooMuch));

  it('takes no pattern that is longer than a name', () => {
    const [row, ...others] = parseHosts(`[servers]\n${'a'.repeat(600)}[1:1000]`).rows;
    expect(row?.error).toBe(`“${'a'.repeat(60)}…” is too long for a name`);
    expect(others).toEqual([]);
  });

  const fill = (unit: string) => unit.repeat(1_000_000 / unit.length);
  it.each([
    ['word', `[servers]\ns1 ansible_host=192.0.2.1 ${fill('a')}`],
    ['names of secrets', `[servers]\ns1 ansible_host=192.0.2.1 ${fill('secret')}`],
    ['blanks after a secret', `[servers]\ns1 ansible_host=192.0.2.1 token${fill(' ')}x`],
    ['blanks in a variable', `[servers]\ns1 ansible_host=192.0.2.1\n[all:vars]\nx=y${fill(' ')}z`],
    ['a separator at the end', `[servers]\ns1 ansible_host=192.0.2.1${fill('a')}\u2028`],
    ['blanks after ProxyJump', toYaml(`-o ProxyJump${fill(' ')}`)],
    ['an ssh_config', `Host s1\nHostName 192.0.2.1\nUser${fill(' ')}x\u2028`],
    ['words of a list', `s1 192.0.2.1 ${fill('a')}`],
  ])('is handled with a line of a million characters: %s', (_what, text) => {
    const { rows } = parseHosts(text);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.text.length).toBeLessThan(250);
  });
});

function toGroups(count: number): string {
  return Array.from({ length: count }, (_, at) => `g${at}: {hosts: {"a[1:1000]": }}\n`).join('');
}

function toVariables(count: number): string {
  return Array.from({ length: count }, (_, at) => ` v${at}=x`).join('');
}
