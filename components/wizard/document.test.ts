import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkDocument } from './check-document';
import {
  addHop,
  addHosts,
  addNode,
  countLoginless,
  readAt,
  removeHop,
  removeNode,
  setAt,
  shareLogin,
  toLooseNodes,
  toNewNode,
  toReached,
} from './document';
import { choosePattern } from './choose-pattern';
import { countNonDefaults, choose, isShown } from './field-spec';
import { NETWORK_GROUPS } from './network-groups';
import { toDraftDrawing } from './to-draft-drawing';
import { adoptStored } from './use-wizard';
import { toEmptyDraft, toWizardDraft } from './wizard-draft';
import type { LooseDocument } from './document';
import { listHops } from '@/lib/topology/list-hops';
import { toDisplayList } from '@/lib/diagram/to-display-list';
import { Topology } from '@/lib/topology/topology';

const { document: empty } = toEmptyDraft();
const withHost = addNode(empty, toNewNode(empty, 'n-one', { internalIp: '192.0.2.11' }));

describe('setAt', () => {
  it('reads back what was set and leaves the rest alone', () => {
    const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(path, fc.oneof(fc.string(), fc.integer()), (at, value) => {
        const before = { z: { kept: true } };
        const after = setAt(before, at, value);
        expect(readAt(after, at)).toBe(value);
        expect(after.z).toBe(before.z);
      }),
    );
  });

  it('takes a member out for undefined, and never reaches into prototypes', () => {
    expect(setAt({ a: { b: 1, c: 2 } }, ['a', 'b'], undefined)).toEqual({ a: { c: 2 } });
    expect(readAt({}, ['constructor', 'name'])).toBeUndefined();
  });
});

describe('hosts of the form', () => {
  it('get the next free name of their role and are reached like the one before', () => {
    const first = setAt(withHost, ['nodes', 0, 'ssh', 'user'], 'ops');
    const both = addNode(first, toNewNode(first, 'n-two', { internalIp: '192.0.2.12' }));
    expect(toLooseNodes(both).map((node) => [node.name, node.role, node.ssh.user])).toEqual([
      ['s1', 'server', 'ops'],
      ['a1', 'agent', 'ops'],
    ]);
    expect(toLooseNodes(removeNode(both, 0)).map((node) => node.name)).toEqual(['a1']);
  });

  it('sign in as the first host with a credential where they have none, with what is their own kept', () => {
    const ids = (() => {
      let made = 0;
      return () => `n-${(made += 1)}`;
    })();
    const hosts = addHosts(
      empty,
      [
        { internalIp: '192.0.2.11' },
        { internalIp: '192.0.2.12' },
        { internalIp: '192.0.2.13', ssh: { user: 'rocky', address: '198.51.100.3' } },
      ],
      ids,
    );
    expect(countLoginless(hosts)).toBe(0);
    expect(shareLogin(hosts)).toEqual(hosts);
    const second = ['nodes', 1, 'ssh'];
    const known = setAt(setAt(hosts, [...second, 'credentialId'], 'c-1'), [...second, 'user'], 'ops');
    const withBastion = setAt(known, [...second, 'bastion'], { address: '192.0.2.1' });
    expect(countLoginless(withBastion)).toBe(2);
    const shared = shareLogin(withBastion);
    expect(countLoginless(shared)).toBe(0);
    expect(
      toLooseNodes(shared).map(({ ssh, hops }) => [ssh.user, ssh.address, ssh.credentialId, hops.length]),
    ).toEqual([
      ['ops', '', 'c-1', 1],
      ['ops', '', 'c-1', 1],
      ['rocky', '198.51.100.3', 'c-1', 1],
    ]);
  });

  it('take their ids from the stored site, whatever was typed meanwhile', () => {
    const stored = Topology.parse({
      ...withHost,
      nodes: [{ id: 'n-given', name: 's1', role: 'server', internalIp: '192.0.2.11' }],
      security: { serverToken: { id: 'x-1', version: 1 }, agentToken: { id: 'x-2', version: 1 } },
    });
    const typed = setAt(withHost, ['nodes', 0, 'name'], 'renamed');
    const adopted = adoptStored(typed, stored);
    expect(toLooseNodes(adopted)[0]).toMatchObject({ id: 'n-given', name: 'renamed' });
    expect(readAt(adopted, ['security', 'serverToken', 'id'])).toBe('x-1');
  });
});

describe('the pattern of the form', () => {
  const ha = choosePattern(empty, 'ha');
  const ids = (() => {
    let count = 0;
    return () => `n-new-${(count += 1)}`;
  })();
  const rolesOf = (document: LooseDocument) =>
    toLooseNodes(document)
      .map(({ name }) => name)
      .join(' ');

  it('brings what it needs, and takes it away again', () => {
    expect(readAt(ha, ['registration'])).toMatchObject({ via: 'vip', loadBalancer: 'managed' });
    const edge = choosePattern(ha, 'edge');
    expect(readAt(edge, ['registration'])).toMatchObject({ via: 'server', loadBalancer: 'none' });
    expect(readAt(edge, ['edge', 'relaxedTimers'])).toBe(true);
    expect(readAt(edge, ['cilium', 'operatorReplicas'])).toBe(1);
    expect(Topology.parse(choosePattern(edge, 'custom'))).toEqual(Topology.parse(empty));
  });

  it('leaves alone what was set otherwise', () => {
    const external = setAt(ha, ['registration', 'loadBalancer'], 'external');
    expect(readAt(choosePattern(external, 'edge'), ['registration', 'loadBalancer'])).toBe('external');
  });

  it('deals eight pasted hosts out as the architecture says, and makes a topology of them with VIP and interface', () => {
    const hosts = Array.from({ length: 8 }, (_, place) => ({ internalIp: `192.0.2.${place + 1}` }));
    const eight = addHosts(ha, hosts, ids);
    expect(rolesOf(eight)).toBe('s1 s2 s3 a1 a2 a3 lb1 lb2');
    const entered = setAt(
      setAt(eight, ['registration', 'vip'], '192.0.2.100'),
      ['registration', 'interface'],
      'eth0',
    );
    const { topology, findings } = checkDocument(entered);
    expect(topology?.pattern).toBe('ha');
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(checkDocument(eight).findings.map(({ ruleId }) => ruleId)).toContain(
      'registration-address-missing',
    );
  });

  it('keeps stated roles, and fills up servers when hosts come one by one', () => {
    const stated = addHosts(ha, [{ internalIp: '192.0.2.1', role: 'lb' }, { internalIp: '192.0.2.2' }], ids);
    expect(rolesOf(stated)).toBe('lb1 s1');
    const more = [3, 4, 5].reduce(
      (all, place) => addHosts(all, [{ internalIp: `192.0.2.${place}` }], ids),
      stated,
    );
    expect(rolesOf(more)).toBe('lb1 s1 s2 s3 a1');
  });
});

describe('bastions of the form', () => {
  const hop = (address: string) => ({ address, user: 'jump', port: 2222 });
  const addresses = (document: LooseDocument) => toLooseNodes(document)[0]?.hops.map((each) => each.address);

  it('stand in the order of the way, as the worker goes it', () => {
    const two = addHop(addHop(withHost, 0, hop('192.0.2.1')), 0, hop('198.51.100.1'));
    expect(addresses(two)).toEqual(['198.51.100.1', '192.0.2.1']);
    const { topology } = checkDocument(two);
    const [node] = topology?.nodes ?? [];
    expect(node && listHops(node.ssh).map(({ address }) => address)).toEqual(addresses(two));
    expect(toLooseNodes(two).map(toReached)).toEqual([
      { id: 'n-one', name: 's1', hops: ['198.51.100.1:2222', '192.0.2.1:2222'] },
    ]);
  });

  it('come and go anywhere on the way, and a new host takes them over', () => {
    const three = ['a.example', 'b.example', 'c.example'].reduce(
      (all, name) => addHop(all, 0, hop(name)),
      withHost,
    );
    const middle = toLooseNodes(three)[0]?.hops[1];
    expect(addresses(removeHop(three, 0, middle?.path ?? []))).toEqual(['c.example', 'a.example']);
    const last = toLooseNodes(three)[0]?.hops[2];
    expect(addresses(removeHop(three, 0, last?.path ?? []))).toEqual(['c.example', 'b.example']);
    const both = addNode(three, toNewNode(three, 'n-two'));
    expect(toLooseNodes(both)[1]?.hops.map((each) => each.address)).toEqual([
      'c.example',
      'b.example',
      'a.example',
    ]);
    expect(checkDocument(addHop(three, 0, hop('d.example'))).topology).toBeNull();
  });
});

describe('checkDocument', () => {
  it('is the schema first, with words at the field', () => {
    const wrong = setAt(withHost, ['nodes', 0, 'internalIp'], '192.0.2');
    expect(checkDocument(wrong)).toMatchObject({ topology: null, findings: [] });
    expect(checkDocument(wrong).issues.get('nodes[0].internalIp')).toContain('not an IPv4 address');
    const missing = setAt(withHost, ['nodes', 0, 'internalIp'], '');
    expect(checkDocument(missing).issues.get('nodes[0].internalIp')).toBe('type the address');
  });

  it('is the rules once the schema is content', () => {
    const twice = addNode(withHost, toNewNode(withHost, 'n-two', { internalIp: '192.0.2.11' }));
    const { topology, findings } = checkDocument(twice);
    expect(topology).not.toBeNull();
    expect(findings.some((finding) => finding.severity === 'error')).toBe(true);
    expect(checkDocument(withHost).findings.filter((finding) => finding.severity === 'error')).toEqual([]);
  });
});

describe('fields of the Network step', () => {
  it('all stand in the document that a new form starts with, unless they may be left out', () => {
    for (const group of NETWORK_GROUPS) {
      for (const spec of [...group.fields, ...group.advanced]) {
        // What belongs to another choice is not in the document before that choice is made.
        if (spec.isOptional || !isShown(spec, empty)) continue;
        expect([spec.path.join('.'), readAt(empty, spec.path) !== undefined]).toEqual([
          spec.path.join('.'),
          true,
        ]);
      }
    }
  });

  it('show what belongs to a choice only with it', () => {
    const labels = (document: LooseDocument) =>
      NETWORK_GROUPS.flatMap((group) => [...group.fields, ...group.advanced])
        .filter((spec) => isShown(spec, document))
        .map(({ label }) => label);
    const [usual, ha] = [labels(empty), labels(choosePattern(empty, 'ha'))];
    for (const label of ['Virtual IP', 'Interface of the load balancers']) {
      expect(usual).not.toContain(label);
      expect(ha).toContain(label);
    }
    expect(usual).not.toContain('Mirror URL');
    expect(usual).not.toContain('Tailscale tags');
    expect(labels(setAt(empty, ['edge', 'tailscale', 'enabled'], true))).toContain('Tailscale tags');
  });

  it('are fields of the schema: each takes a value that the schema knows', () => {
    for (const { path, kind, choices } of NETWORK_GROUPS.flatMap((group) => [
      ...group.fields,
      ...group.advanced,
    ])) {
      for (const each of choices ?? []) {
        if (path.join('.') === 'rke2.artifacts.from') continue; // takes its own members along, tested below
        expect(checkDocument(setAt(empty, path, each.value)).issues, path.join('.')).toEqual(new Map());
      }
      const wrong = kind === 'switch' ? 'x' : '\u0000';
      if (path.join('.') !== 'rke2.artifacts.url')
        expect([...checkDocument(setAt(empty, path, wrong)).issues.keys()]).toEqual([path.join('.')]);
    }
  });

  it('count what differs from the default', () => {
    const cilium = NETWORK_GROUPS.find((group) => group.title === 'Cilium');
    expect(countNonDefaults(cilium?.advanced ?? [], empty)).toBe(0);
    expect(countNonDefaults(cilium?.advanced ?? [], setAt(empty, ['cilium', 'routing'], 'native'))).toBe(1);
  });

  it('change the source of release files as a whole, so that no stale member stays', () => {
    const from = { path: ['rke2', 'artifacts', 'from'], label: '', kind: 'choice' } as const;
    const spec = { ...from, path: [...from.path] };
    const mirror = choose(empty, spec, 'mirror');
    expect(checkDocument(mirror).issues.get('rke2.artifacts.url')).toBeDefined();
    for (const value of ['internet', 'pushed']) {
      expect(checkDocument(choose(mirror, spec, value)).topology?.rke2.artifacts).toEqual({ from: value });
    }
  });
});

describe('the draft', () => {
  it('comes back as it was stored', () => {
    const draft = { ...toEmptyDraft(), name: 'x', document: withHost, siteId: 's-1' };
    expect(toWizardDraft(JSON.parse(JSON.stringify(draft)))).toEqual(JSON.parse(JSON.stringify(draft)));
  });

  it('survives whatever else was stored', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (stored) => {
        const draft = toWizardDraft(stored);
        expect(typeof draft.name).toBe('string');
        checkDocument(draft.document);
      }),
    );
  });

  it('can be drawn however little it holds', () => {
    const about = { name: '', drawnBy: '', date: '', revision: null };
    fc.assert(
      fc.property(fc.object(), (document) => {
        expect(
          toDisplayList(toDraftDrawing(document as Record<string, unknown>, about)).groups.length,
        ).toBeGreaterThan(0);
      }),
    );
  });
});
