import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '@/lib/core/errors';
import { NodeId } from '@/lib/core/ids';
import { exampleLayout } from '@/lib/testing/example-layout';
import { parseTopology } from './parse-topology';

let count = 0;
const options = { previous: null, newId: () => NodeId.parse(`n-test-${(count += 1)}`) };

/** The error of a text that must be refused. */
function errorOf(text: string): AppError {
  try {
    parseTopology(text, options);
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return error as AppError; // the line above has checked it
  }
  throw new Error('the text was taken');
}

describe('parseTopology', () => {
  it('reads a short document as a complete topology', () => {
    const topology = parseTopology(
      'pattern: custom\nnodes: [{name: s1, role: server, internalIp: 192.0.2.1}]\n',
      options,
    );
    expect(topology.network.clusterCidr).toBe('10.42.0.0/16');
    expect(topology.nodes[0]?.ssh).toEqual({ port: 22, user: 'root' });
  });

  it('reads JSON', () => {
    expect(parseTopology('{"pattern": "edge"}', options).pattern).toBe('edge');
  });

  it('names unknown fields with their place and line, nested ones too', () => {
    const error = errorOf(
      'pattern: ha\ncolour: red\ncilium:\n  hubble:\n    enabeld: true\nrke2:\n  serverArgs:\n    etcd: []\n',
    );
    expect(error.fields).toEqual({
      colour: 'line 2: there is no such field',
      'cilium.hubble.enabeld': 'line 5: there is no such field',
      'rke2.serverArgs.etcd': 'line 8: there is no such field',
    });
    expect(error.message).toContain('(and 2 more problems)');
  });

  it('takes no password in a URL: viewers see the topology, and plans and logs name its addresses', () => {
    const error = errorOf(
      'pattern: custom\nrke2:\n  artifacts: {from: mirror, url: "http://u:secret@mirror.example"}\n',
    );
    expect(JSON.stringify(error.fields)).toContain('leave out user and password');
    expect(JSON.stringify(error.fields)).not.toContain('secret');
  });

  it('names bad values with their place and line', () => {
    const error = errorOf(
      'pattern: ha\nnodes:\n  - {name: S1, role: server, internalIp: 192.0.2.1}\n  - name: s2\n    role: boss\n    internalIp: 192.0.2.300\n',
    );
    expect(error.fields).toMatchObject({
      'nodes[0].name': expect.stringMatching(/^line 3: lowercase letters/) as string,
      'nodes[1].role': expect.stringMatching(/^line 5: write server, agent or lb/) as string,
      'nodes[1].internalIp': 'line 6: not an IPv4 address',
    });
  });

  it.each([
    ['nothing', '', 'The file is empty'],
    ['a list', '- a\n', 'holds no topology'],
    ['a later schema', 'schemaVersion: 2\npattern: ha\n', 'has schemaVersion 2'],
    ['malformed text', 'pattern: ha\nnodes: [\n', 'Line 3: Flow sequence'],
    ['a key twice', 'pattern: ha\npattern: edge\n', 'Line 2: Map keys must be unique'],
    ['two documents', 'pattern: ha\n---\npattern: edge\n', 'Line 2: a second document'],
    ['an anchor', 'pattern: &p ha\n', 'Line 1: anchors and aliases'],
    ['an alias', 'pattern: &p ha\nnotes: *p\n', 'anchors and aliases'],
    ['a merge key', 'pattern: ha\n<<: {notes: x}\n', 'there is no such field'],
    ['a prototype', 'pattern: ha\n__proto__: {notes: x}\n', 'there is no such field'],
    ['a tag', 'pattern: !!js/function "x"\n', 'Line 1: Unresolved tag'],
    ['11 MB', `notes: ${'x'.repeat(11_000_000)}`, 'The file has 10.5 MiB'],
    [
      'too many nodes',
      `pattern: ha\nnodes:\n${'  - {name: a, role: agent, internalIp: 192.0.2.1}\n'.repeat(1001)}`,
      'has 1001 nodes; a site has at most 1000',
    ],
    [
      'slot brackets',
      'pattern: ha\nrke2: {serverArgs: {kubelet: ["a=⟦secret sec-server v1⟧"]}}',
      'no line breaks',
    ],
  ])('refuses %s', (_what, text, words) => {
    expect(errorOf(text).message).toContain(words);
  });

  it.each(['[', '- ', '? ', '{a: ', '!x ['])(
    'refuses %j nested without end before it can exhaust the stack',
    (opener) => {
      expect(errorOf(opener.repeat(100_000)).message).toMatch(/nested more than 40 levels/);
    },
  );

  it('refuses an alias bomb', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `l${level + 1}: &l${level + 1} [${`*l${level},`.repeat(9)}]`,
    );
    expect(errorOf(['pattern: ha', 'l0: &l0 [x]', ...levels].join('\n')).message).toContain(
      'anchors and aliases',
    );
  });

  it('answers any text with a topology or an error in words', () => {
    const fragments = [
      'pattern: ha',
      'nodes:',
      '  - ',
      '{',
      '}',
      '[',
      ']',
      ': ',
      '\n',
      '"',
      "'",
      '&a',
      '*a',
      '!t ',
      '|',
      '>',
      '---',
      '#',
      '\t',
      '⟦',
      '\u0000',
      '\ud800',
      'x',
    ];
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...fragments), fc.string({ maxLength: 5 })), { maxLength: 30 }),
        (parts) => {
          try {
            parseTopology(parts.join(''), options);
          } catch (error) {
            expect(error).toBeInstanceOf(AppError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('node ids in a document', () => {
  const previous = exampleLayout();
  const parse = (nodes: string) =>
    parseTopology(`pattern: ha\nnodes: ${nodes}`, { ...options, previous }).nodes;

  it('stay with a renamed node', () => {
    expect(parse('[{id: n-s1, name: renamed, role: server, internalIp: 192.0.2.1}]')[0]).toMatchObject({
      id: 'n-s1',
      name: 'renamed',
    });
  });

  it('come from the node with the same name where absent or foreign', () => {
    const nodes = parse(
      '[{name: s2, role: server, internalIp: 192.0.2.1}, {id: n-foreign, name: a1, role: agent, internalIp: 192.0.2.2}]',
    );
    expect(nodes.map(({ id }) => id)).toEqual(['n-s2', 'n-a1']);
  });

  it('are new for new names, never taken from the file', () => {
    expect(parse('[{id: n-foreign, name: x1, role: server, internalIp: 192.0.2.1}]')[0]?.id).toMatch(
      /^n-test-/,
    );
  });

  it('are never given twice', () => {
    const nodes = parse(
      '[{name: s2, role: server, internalIp: 192.0.2.1}, {name: s2, role: server, internalIp: 192.0.2.2}]',
    );
    expect(new Set(nodes.map(({ id }) => id)).size).toBe(2);
    expect(() =>
      parse(
        '[{id: n-s1, name: x, role: server, internalIp: 192.0.2.1}, {id: n-s1, name: y, role: server, internalIp: 192.0.2.2}]',
      ),
    ).toThrow('nodes[0] and nodes[1] have the same id n-s1');
  });
});
