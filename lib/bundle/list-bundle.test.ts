import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { NodeId, SecretId } from '@/lib/core/ids';
import { renderEveryFile } from '@/lib/render/render-every-file';
import { STEP_KINDS } from '@/lib/steps/catalogue';
import { exampleLayout, oneServer } from '@/lib/testing/example-layout';
import { makeBundle, toBarePlan } from '@/lib/testing/make-bundle';
import { Topology } from '@/lib/topology/topology';
import { toBareFacts } from './bare-facts';
import { listBundle, toBundleName } from './list-bundle';

const { security } = exampleLayout();
/** With a firewall, which plans do not place yet. */
const toLayout = () => exampleLayout({ security: { ...security, firewall: 'nftables' } });
const topology = toLayout();
const plan = toBarePlan(topology);
const bundle = makeBundle(topology, plan);
const contentOf = (path: string) => bundle.get(path)?.content ?? `no ${path}`;

describe('listBundle', () => {
  it('holds the very texts that the engine sends, for each kind of step in the plan', () => {
    const kinds = new Set(plan.steps.map(({ kind }) => kind));
    expect(kinds.size).toBeGreaterThan(8);
    for (const [name, { probe, act, verify }] of Object.entries(STEP_KINDS)) {
      const found = ['probe', 'act', 'verify'].map((part) => bundle.get(`kinds/${name}/${part}.sh`)?.content);
      expect(found).toEqual(kinds.has(name) ? [probe, act, verify] : [undefined, undefined, undefined]);
    }
  });

  it('has one script for each step, numbered in its order on its node', () => {
    for (const node of topology.nodes) {
      const steps = plan.steps.filter(({ nodeId }) => nodeId === node.id);
      const scripts = [...bundle.keys()].filter((path) => path.startsWith(`nodes/${node.name}/steps/`));
      expect(scripts.length).toBe(steps.length);
      [...scripts].sort().forEach((path, index) => {
        const text = contentOf(path);
        expect(text).toContain(
          `# Step ${index + 1} of ${steps.length} on ${node.name}: ${steps[index]?.title}\n`,
        );
        expect(text).toContain(`step ${steps[index]?.id}\n`);
        expect(bundle.get(path)?.isExecutable).toBe(true);
      });
    }
  });

  it('has every rendered file of every node at its real path, those of later releases apart', () => {
    const apart = new Set<string>();
    for (const node of topology.nodes) {
      for (const { appliedBy, path, content } of renderEveryFile(topology, node.id)) {
        const folder = appliedBy === 'plan' ? 'files' : 'later';
        apart.add(folder);
        expect(contentOf(`nodes/${node.name}/${folder}${path}`)).toBe(content);
        expect(contentOf(`nodes/${node.name}/files.txt`)).toContain(`${folder}${path}\t`);
      }
    }
    expect([...apart].sort()).toEqual(['files', 'later']);
  });

  it('asks for the release files where Siteplan would send them, and nowhere else', () => {
    const pushed = Topology.parse({ ...oneServer(), rke2: { artifacts: { from: 'pushed' } } });
    const readMe = makeBundle(pushed).get('README.txt')?.content;
    expect(readMe).toContain(
      'artifacts/v1.35.7+rke2r1: rke2-images-cilium.linux-amd64.tar.zst, rke2-images-core.linux-amd64.tar.zst, ' +
        'rke2.linux-amd64.tar.gz, sha256sum-amd64.txt\n',
    );
    expect(contentOf('README.txt')).not.toContain('artifacts/');
  });

  it('sums up every file but the sums, as sha256sum -c reads it', () => {
    const sums = contentOf('SHA256SUMS').trimEnd().split('\n');
    const wanted = [...bundle.values()]
      .filter(({ path }) => path !== 'SHA256SUMS')
      .map(({ path, content }) => `${createHash('sha256').update(content).digest('hex')}  ${path}`);
    expect(sums.sort()).toEqual(wanted.sort());
  });

  it('names the secrets that must be filled in, once each, and asks for none where there are none', () => {
    expect(contentOf('secrets.env.example').match(/^SITEPLAN_SECRET_\w+=$/gm)).toEqual([
      'SITEPLAN_SECRET_SEC_SERVER_V1=',
      'SITEPLAN_SECRET_SEC_AGENT_V2=',
    ]);
    const hash = /^# {3}sed -n '.*' \/var\/lib\/rancher\/rke2\/server\/token\nSITEPLAN_CLUSTER_CA=$/m;
    expect(contentOf('secrets.env.example')).toMatch(hash);
    expect(contentOf('README.txt')).toContain('SITEPLAN_CLUSTER_CA: hash of the CA of the cluster');
    const alone = makeBundle(oneServer());
    expect(alone.get('secrets.env.example')?.content).not.toContain('SITEPLAN_CLUSTER_CA');
    expect(alone.get('README.txt')?.content).not.toContain('SITEPLAN_CLUSTER_CA');
    const uninstall = { ...plan, kind: 'uninstall' as const, steps: [] };
    const without = makeBundle(topology, uninstall);
    expect(without.has('secrets.env.example')).toBe(false);
    expect(without.get('README.txt')?.content).toContain('There are no secrets to fill in.');
  });

  it('is the same for the same input', () => {
    expect(makeBundle(toLayout())).toEqual(bundle);
  });

  it('looks for the unit that a file is for, where no host was asked whether it is there', () => {
    const scripts = [...bundle].filter(([path]) => /nodes\/s1\/steps\/.*networkmanager/.test(path));
    expect(scripts.map(([path]) => path.replace(/.*\/\d+-/, ''))).toEqual([
      'write-etc-networkmanager-conf.d-90-siteplan-rke2.conf.sh',
      'reload-networkmanager.service.sh',
    ]);
    for (const [, { content }] of scripts)
      expect(content).toContain("step_only_with='NetworkManager.service'\n");
    const others = [...bundle].filter(([path]) => /nodes\/s1\/steps\/.*config.yaml/.test(path));
    for (const [, { content }] of others) expect(content).toContain("step_only_with=''\n");
  });

  it('keeps two payloads for one path apart', () => {
    const one = oneServer();
    const barePlan = toBarePlan(one);
    const put = barePlan.steps.find(({ params }) => params['path'] === '/etc/rancher/rke2/config.yaml');
    if (!put) throw new Error('the plan writes config.yaml');
    const other = { ...put, id: 'f'.repeat(16), params: { ...put.params, content: 'other\n', secrets: [] } };
    const files = makeBundle(one, { ...barePlan, steps: [...barePlan.steps, other] });
    const number = barePlan.steps.length + 1;
    expect(files.get(`nodes/one/input/${number}.txt`)?.content).toBe('other\n');
    expect(files.get('nodes/one/files/etc/rancher/rke2/config.yaml')?.content).toBe(put.params['content']);
  });

  it('refuses a step with a slot that it does not list, a node that is not there, a kind that nobody knows', () => {
    const one = oneServer();
    const barePlan = toBarePlan(one);
    const [first] = barePlan.steps;
    const put = barePlan.steps.find(({ kind }) => kind === 'file.put');
    if (!first || !put) throw new Error('the plan has steps');
    const make = (step: typeof first) =>
      makeBundle(one, { ...barePlan, steps: [{ ...step, dependsOn: [] }] });
    const slotted = { ...put.params, content: 'a: ⟦secret sec-other v1⟧\n', secrets: [] };
    expect(() => make({ ...put, params: slotted })).toThrow('a slot that it does not list: sec-other v1');
    const listed = { ...slotted, secrets: [{ id: SecretId.parse('sec-other'), version: 1 }] };
    expect(() => make({ ...put, params: listed })).not.toThrow();
    expect(() => make({ ...first, nodeId: NodeId.parse('n-none') })).toThrow('no node n-none');
    expect(() => make({ ...first, kind: 'file.eat' })).toThrow('file.eat');
  });

  it('refuses two nodes of one name, whose folders would be one', () => {
    const twice = Topology.parse({
      ...topology,
      nodes: topology.nodes.map((node) => (node.name === 's2' ? { ...node, name: 's1' } : node)),
    });
    const input = { siteName: 'x', topology: twice, plan, isBare: true };
    expect(() => listBundle(input)).toThrow('two nodes are called s1');
  });
});

describe('toBareFacts', () => {
  it('lets plans be made that also serve hosts with NetworkManager', () => {
    const one = oneServer();
    const [node] = one.nodes;
    if (!node) throw new Error('one node');
    expect(toBareFacts(one, node).units['NetworkManager.service']?.load).toBe('loaded');
    const kinds = toBarePlan(one).steps.map(({ kind, params }) => `${kind} ${String(params['unit'] ?? '')}`);
    expect(kinds).toContain('service.reload NetworkManager.service');
  });
});

describe('toBundleName', () => {
  it.each([
    ['Bern 2', 'siteplan-bern-2-r3-from-bare-hosts'],
    ['../../x', 'siteplan-x-r3-from-bare-hosts'],
    ['東京', 'siteplan-site-r3-from-bare-hosts'],
  ])('makes a plain name of %s', (siteName, name) => {
    expect(toBundleName(siteName, plan, true)).toBe(name);
    expect(toBundleName(siteName, plan, false)).toBe(name.replace('from-bare-hosts', plan.id));
  });
});
