import { describe, expect, it } from 'vitest';
import { isAppError } from '@/lib/core/errors';
import { NodeId } from '@/lib/core/ids';
import { checkTopology } from '@/lib/rules/check-topology';
import { BAD_DOCUMENTS } from '@/lib/testing/bad-documents';
import { BROKEN } from '@/lib/testing/broken-topologies';
import { parseTopologyDocument } from '@/lib/topology/parse-topology-document';
import { checkDocument } from './check-document';

const options = { previous: null, newId: () => NodeId.parse('n-any') };

/** The form has an id for each node from the start; of a document the server hands them out. */
function withIds(document: object): Record<string, unknown> {
  const nodes: unknown = 'nodes' in document ? document.nodes : undefined;
  if (!Array.isArray(nodes)) return { ...document };
  const list: readonly unknown[] = nodes;
  return {
    ...document,
    nodes: list.map((node) => (typeof node === 'object' ? { ...node, id: 'n-any' } : node)),
  };
}

function refusalOf(document: object): Readonly<Record<string, string>> {
  try {
    parseTopologyDocument(document, options);
  } catch (error) {
    if (isAppError(error)) return error.fields ?? {};
    throw error;
  }
  return {};
}

describe('the form and the server', () => {
  it.each(BAD_DOCUMENTS)('refuse %s at the same place in the same words', (what, document, path) => {
    const fields = refusalOf(document);
    expect(Object.keys(fields)).toEqual([path]);
    const words = what === 'an empty name' || what === 'no name' ? 'give it a name' : fields[path];
    expect(checkDocument(withIds(document)).issues.get(path)).toBe(words);
  });

  it('find the same in every topology that breaks a rule', () => {
    // A document in which two nodes have one id is refused by the server before the rules see it.
    for (const [ruleId, , topology] of BROKEN.filter(([id]) => id !== 'duplicate-id')) {
      const onServer = checkTopology(parseTopologyDocument(topology, { ...options, previous: topology }));
      const { findings, issues } = checkDocument(topology);
      expect([...issues]).toEqual([]);
      expect(findings, ruleId).toEqual(onServer);
      expect(findings.map((finding) => finding.ruleId)).toContain(ruleId);
    }
  });
});
