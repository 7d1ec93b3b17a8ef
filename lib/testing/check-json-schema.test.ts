import { describe, expect, it } from 'vitest';
import { checkJsonSchema } from './check-json-schema';

const root = { components: { schemas: { Name: { type: 'string', pattern: '^[a-z]+$' } } } };
const name = { $ref: '#/components/schemas/Name' };
const person = {
  type: 'object',
  properties: { name, age: { type: 'integer', minimum: 0 }, tags: { type: 'array', items: name } },
  required: ['name'],
  additionalProperties: false,
};

describe('checkJsonSchema', () => {
  it('passes what fits', () => {
    expect(checkJsonSchema(person, { name: 'ann', age: 3, tags: ['a'] }, root)).toEqual([]);
    expect(checkJsonSchema({ anyOf: [name, { type: 'null' }] }, null, root)).toEqual([]);
  });

  it.each([
    [{}, '/name: is missing'],
    [{ name: 'Ann' }, '/name: not ^[a-z]+$'],
    [{ name: 'ann', age: 1.5 }, '/age: is number, not integer'],
    [{ name: 'ann', age: -1 }, '/age: below 0'],
    [{ name: 'ann', tags: ['a', 1] }, '/tags/1: is number, not string'],
    [{ name: 'ann', more: 1 }, '/more: is not in the document'],
    [[], ': is array, not object'],
  ])('says what is wrong with %j', (value, line) => {
    expect(checkJsonSchema(person, value, root)).toEqual([line]);
  });

  it('refuses to pass what it does not understand', () => {
    expect(checkJsonSchema({ unevaluatedItems: false }, [], root)).toEqual([
      ': the check does not know unevaluatedItems',
    ]);
    expect(() => checkJsonSchema({ $ref: '#/components/schemas/None' }, 1, root)).toThrow('leads nowhere');
  });
});
