import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkDocument } from './check-document';
import {
  addHop,
  addNode,
  readAt,
  removeHop,
  removeNode,
  setAt,
  toLooseNodes,
  toNewNode,
  toReached,
} from './document';
import { countNonDefaults, NETWORK_GROUPS, choose } from './field-spec';
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
        if (spec.isOptional || spec.path.join('.') === 'rke2.artifacts.url') continue;
        expect([spec.path.join('.'), readAt(empty, spec.path) !== undefined]).toEqual([
          spec.path.join('.'),
          true,
        ]);
      }
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
    expect(checkDocument(choose(mirror, spec, 'internet')).topology).not.toBeNull();
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
