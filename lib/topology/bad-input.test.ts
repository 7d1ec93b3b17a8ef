import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '@/lib/core/errors';
import { NodeId } from '@/lib/core/ids';
import { BAD_DOCUMENTS } from '@/lib/testing/bad-documents';
import { parseTopologyDocument } from './parse-topology-document';
import { parseTopology } from './parse-topology';
import { refuseBulk } from './refuse-bulk';

const options = { previous: null, newId: () => NodeId.parse('n-any') };
/** What the two doors say: a document of values as the API gets it, and its text as the YAML dialog has it. */
function errorsOf(document: object): { value: AppError; text: AppError } {
  const refusal = (read: () => unknown) => {
    try {
      read();
    } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      return error as AppError; // the line above has checked it
    }
    throw new Error(`taken: ${JSON.stringify(document)}`);
  };
  return {
    value: refusal(() => parseTopologyDocument(document, options)),
    text: refusal(() => parseTopology(JSON.stringify(document), options)),
  };
}

describe('a document', () => {
  it.each(BAD_DOCUMENTS)('with %s is refused at its place, by both doors', (_what, document, path, words) => {
    const { value, text } = errorsOf(document);
    expect(value.code).toBe('invalid');
    expect(Object.keys(value.fields ?? {})).toEqual([path]);
    expect(value.fields?.[path]).toContain(words);
    expect(value.message).toBe(`${path}, ${value.fields?.[path]}.`);
    // What is missing at the top stands in no line.
    const isAtTop = path === 'pattern' && words === 'is missing';
    expect(text.fields?.[path]).toBe(`${isAtTop ? '' : 'line 1: '}${value.fields?.[path]}`);
  });

  it('is never told in a schema library’s own words', () => {
    for (const [, document] of BAD_DOCUMENTS) {
      expect(errorsOf(document).value.message).not.toMatch(/Invalid|Too (big|small)|expected|received|\/\^/);
    }
  });

  it('lists at most 50 problems and counts the rest', () => {
    const { value } = errorsOf({ pattern: 'ha', nodes: Array.from({ length: 300 }, () => ({ name: 'X' })) });
    expect(Object.keys(value.fields ?? {})).toHaveLength(50);
    expect(value.message).toContain('(and 899 more problems)');
  });

  it('never has foreign text of control characters or of any length in an error', () => {
    const { value } = errorsOf({ pattern: 'ha', ['\u202e\u0000\u001b[31m'.repeat(9_999)]: 1 });
    expect(value.message).toMatch(/^[^\u0000-\u001f\u202e]{1,600}$/);
    expect(JSON.stringify(value.fields)).not.toMatch(/[\u202e]|\\u0000|\\u001b/);
  });
});

describe('a document that is far too large', () => {
  const refusal = (document: unknown) => {
    try {
      parseTopologyDocument(document, options);
    } catch (error) {
      return error instanceof AppError ? error.message : String(error);
    }
    return 'taken';
  };

  it('is refused before each of its values is looked at', () => {
    const nodes = Array.from({ length: 100_000 }, () => ({ name: 'x' }));
    expect(refusal({ pattern: 'ha', nodes })).toMatch(/holds more than 100000 values|has 100000 nodes/);
    expect(refusal({ pattern: 'ha', nodes: nodes.slice(0, 1_001) })).toContain(
      'The topology has 1001 nodes; a site has at most 1000. Make several sites.',
    );
    expect(
      refusal({ pattern: 'ha', security: { extraSans: Array.from({ length: 200_000 }, () => 1) } }),
    ).toContain('holds more than 100000 values');
  });

  it('is refused for its text, in values and in names', () => {
    const tenMiB = 'x'.repeat(10 * 1024 * 1024);
    for (const document of [
      { pattern: 'ha', notes: tenMiB },
      { pattern: 'ha', [tenMiB]: 1 },
    ]) {
      expect(refusal(document)).toContain('holds more than 2 MiB of text');
    }
    expect(() => parseTopology(`pattern: ha\nnotes: ${tenMiB}`, options)).toThrow('The file has 10.0 MiB');
  });

  it('is refused for its depth, also where it has no end', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 1_000_000; level += 1) deep = [deep];
    expect(refusal({ pattern: 'ha', notes: deep })).toContain('nested more than 40 levels deep');
    const endless: Record<string, unknown> = { pattern: 'ha' };
    endless.notes = endless;
    expect(refusal(endless)).toContain('nested more than 40 levels deep');
  });

  it('leaves a full topology alone', () => {
    const labels = Object.fromEntries(
      Array.from({ length: 10 }, (_, i) => [`example.com/label-${i}`, 'value']),
    );
    const nodes = Array.from({ length: 1_000 }, (_, i) => ({ name: `a${i}`, role: 'agent', labels }));
    expect(() => refuseBulk({ pattern: 'ha', nodes })).not.toThrow();
  });
});

describe('any document at all', () => {
  it('is a topology or an error in words', () => {
    const anything = fc.anything({
      maxDepth: 4,
      withNullPrototype: true,
      withBigInt: true,
      withDate: true,
      withMap: true,
    });
    const shaped = fc.record(
      {
        pattern: fc.oneof(fc.constant('ha'), anything),
        nodes: fc.oneof(fc.array(anything, { maxLength: 3 }), anything),
        cilium: anything,
        network: anything,
        schemaVersion: anything,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(shaped, anything), (document) => {
        try {
          parseTopologyDocument(document, options);
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
