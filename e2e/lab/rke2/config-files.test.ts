import { describe, expect, it } from 'vitest';
import { mergeConfigFiles, mergeFlags } from './config-files';

const file = (path: string, text: string) => ({ path, text });
const main = (text: string) => file('config.yaml', text);

describe('mergeConfigFiles', () => {
  it('lets a later file replace a value, lists too, and `key+` append', () => {
    const { values } = mergeConfigFiles('server', [
      main('node-name: a\ntls-san: [one, two]\nnode-label: [x=1]\n'),
      file('10.yaml', 'node-name: b\ntls-san: [three]\n'),
      file('20.yaml', 'tls-san+: [four]\nnode-label+: y=2\nnode-taint+: [t:NoSchedule]\n'),
    ]);
    expect(values.get('node-name')).toEqual(['b']);
    expect(values.get('tls-san')).toEqual(['three', 'four']);
    expect(values.get('node-label')).toEqual(['x=1', 'y=2']);
    expect(values.get('node-taint')).toEqual(['t:NoSchedule']);
  });

  it('reads scalars as their flag text', () => {
    const { values } = mergeConfigFiles('server', [
      main('disable-kube-proxy: true\nwrite-kubeconfig-mode: "0640"\netcd-snapshot-retention: 5\n'),
    ]);
    expect(values.get('disable-kube-proxy')).toEqual(['true']);
    expect(values.get('write-kubeconfig-mode')).toEqual(['0640']);
    expect(values.get('etcd-snapshot-retention')).toEqual(['5']);
  });

  it('skips unknown keys with RKE2 words: misspelt ones, those of k3s, and server keys on an agent', () => {
    const text = 'disable-kubeproxy: true\ncluster-init: true\nflannel-backend: none\ncni: cilium\n';
    const server = mergeConfigFiles('server', [main(text)]);
    expect([...server.values.keys()]).toEqual(['cni']);
    expect(server.warnings[0]).toBe('Unknown flag --disable-kubeproxy found in config.yaml, skipping\n');
    expect(server.warnings).toHaveLength(3);
    const agent = mergeConfigFiles('agent', [main(text)]);
    expect([...agent.values.keys()]).toEqual([]);
    expect(agent.warnings).toHaveLength(4);
  });

  it('takes an empty file for no values and names a file that is no mapping', () => {
    expect(mergeConfigFiles('server', [main('# nothing\n')]).values.size).toBe(0);
    expect(() => mergeConfigFiles('server', [file('/etc/x.yaml', '- a\n')])).toThrow('/etc/x.yaml');
  });
});

describe('mergeFlags', () => {
  it('lets the command line win, in every spelling of a flag', () => {
    const { values } = mergeConfigFiles('server', [main('token: file\nnode-name: a\n')]);
    const merged = mergeFlags('server', values, [
      '--token=line=x',
      '--node-name',
      'b',
      '--debug',
      '--tls-san=1',
      '--tls-san=2',
    ]);
    expect(merged.get('token')).toEqual(['line=x']);
    expect(merged.get('node-name')).toEqual(['b']);
    expect(merged.get('debug')).toEqual(['true']);
    expect(merged.get('tls-san')).toEqual(['1', '2']);
  });

  it('refuses an unknown flag, which a file may hold', () => {
    expect(() => mergeFlags('server', new Map(), ['--cluster-init'])).toThrow(
      'flag provided but not defined: -cluster-init',
    );
  });
});
