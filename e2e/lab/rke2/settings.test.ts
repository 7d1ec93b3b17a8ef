import { describe, expect, it } from 'vitest';
import { findCisProblems } from './cis-profile';
import { mergeConfigFiles } from './config-files';
import { criticalValues, parseSettings } from './settings';

const host = { hostname: 'CP-1', defaultRouteAddress: '192.0.2.11', readFile: () => 'from-file\n' };
const settingsOf = (text: string, from = host) =>
  parseSettings('server', mergeConfigFiles('server', [{ path: 'config.yaml', text }]).values, from);

describe('parseSettings', () => {
  it('has the defaults of RKE2', () => {
    expect(settingsOf('')).toMatchObject({
      dataDir: '/var/lib/rancher/rke2',
      nodeName: 'cp-1',
      nodeIp: '192.0.2.11',
      advertiseAddress: '192.0.2.11',
      cni: ['canal'],
      clusterCidr: '10.42.0.0/16',
      serviceCidr: '10.43.0.0/16',
      clusterDns: '10.43.0.10',
      kubeconfigMode: '0600',
      token: null,
      server: null,
    });
  });

  it('advertises the external address unless told otherwise', () => {
    expect(settingsOf('node-external-ip: 198.51.100.1').advertiseAddress).toBe('198.51.100.1');
    const both = settingsOf('node-external-ip: 198.51.100.1\nadvertise-address: 192.0.2.11');
    expect(both.advertiseAddress).toBe('192.0.2.11');
  });

  it('splits lists that are written with commas, and reads a token file', () => {
    expect(settingsOf('tls-san: a,b\n').tlsSans).toEqual(['a', 'b']);
    expect(settingsOf('token-file: /t').token).toBe('from-file');
  });

  it.each([
    ['profile: cis-1.23', 'invalid value provided for --profile flag'],
    ['cni: cillium', 'Invalid value cillium for --cni flag'],
    ['cni: multus', 'multus must be used alongside another primary cni selection'],
    ['cni: [cilium, canal]', 'may only provide multiple values if multus is the first value'],
    ['node-name: "a b"', 'invalid node name'],
  ])('refuses %s', (text, words) => {
    expect(() => settingsOf(text)).toThrow(words);
  });

  it('refuses a host without an address', () => {
    expect(() => settingsOf('', { ...host, defaultRouteAddress: null as never })).toThrow('no default route');
  });

  it('names the values that all servers must share', () => {
    const differing = criticalValues(settingsOf('disable-kube-proxy: true'));
    expect(differing).not.toEqual(criticalValues(settingsOf('')));
    expect(criticalValues(settingsOf('embedded-registry: true'))['embedded-registry']).toBe('true');
    expect(criticalValues(settingsOf('node-name: other'))).toEqual(criticalValues(settingsOf('')));
  });
});

describe('findCisProblems', () => {
  const files: Record<string, string> = {
    '/proc/sys/vm/overcommit_memory': '1\n',
    '/proc/sys/vm/panic_on_oom': '0\n',
    '/proc/sys/kernel/panic': '10\n',
    '/proc/sys/kernel/panic_on_oops': '1\n',
    '/etc/passwd': 'root:x:0:0::/root:/bin/sh\netcd:x:101:101::/:/usr/sbin/nologin\n',
    '/etc/group': 'etcd:x:101:\n',
  };
  const problems = (profile: string, changed: Record<string, string> = {}) =>
    findCisProblems(settingsOf(profile), (path) => ({ ...files, ...changed })[path] ?? '');

  it('is content with a prepared host, and asks nothing without a profile', () => {
    expect(problems('profile: cis')).toEqual([]);
    expect(problems('', { '/etc/passwd': '', '/proc/sys/kernel/panic': '0' })).toEqual([]);
  });

  it('names wrong kernel parameters, then a missing user and group', () => {
    expect(problems('profile: cis', { '/proc/sys/kernel/panic': '0\n' })).toEqual([
      'invalid kernel parameter value kernel.panic=0 - expected 10',
    ]);
    expect(problems('profile: etcd', { '/etc/passwd': '', '/etc/group': '' })).toHaveLength(2);
  });
});
