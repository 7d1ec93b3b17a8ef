/*
 * JSON Schema 2020-12, the part that the API's own document uses. A keyword that is not known here is an error, so that
 * a check never passes because it was skipped.
 */

type Schema = Readonly<Record<string, unknown>>;

const WORDS = ['description', 'title', 'default', 'examples', 'format', 'id', 'readOnly', 'deprecated'];
const KNOWN = new Set([
  ...WORDS,
  ...['$ref', 'type', 'enum', 'const', 'anyOf', 'oneOf', 'allOf', 'not', 'pattern', 'minLength', 'maxLength'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'properties', 'required'],
  ...['additionalProperties', 'propertyNames', 'items', 'prefixItems', 'minItems', 'maxItems'],
]);

function toType(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** What is wrong with `value`, one line per place (`/runs/0/state: …`); empty when it fits. `root` resolves references. */
export function checkJsonSchema(schema: Schema, value: unknown, root: Schema, at = ''): string[] {
  const unknown = Object.keys(schema).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0) return [`${at}: the check does not know ${unknown.join(', ')}`];
  if (typeof schema['$ref'] === 'string') {
    return checkJsonSchema(resolve(schema['$ref'], root), value, root, at);
  }
  return [
    ...checkValue(schema, value, at),
    ...checkAlternatives(schema, value, root, at),
    ...(Array.isArray(value) ? checkArray(schema, value, root, at) : []),
    ...(toType(value) === 'object' ? checkObject(schema, value as Schema, root, at) : []), // just asked
  ];
}

/** The schema that a reference such as `#/components/schemas/Run` stands for. Throws when there is none. */
export function resolve(ref: string, root: Schema): Schema {
  const found = ref
    .replace('#/', '')
    .split('/')
    .reduce<unknown>((node, key) => (node as Schema | undefined)?.[key], root); // any JSON
  if (toType(found) !== 'object') throw new Error(`${ref} leads nowhere`);
  return found as Schema;
}

function checkValue(schema: Schema, value: unknown, at: string): string[] {
  const wrong: string[] = [];
  const { type, pattern, minLength, maxLength, minimum, maximum } = schema;
  const types = type === undefined ? null : [type].flat();
  const own = toType(value);
  if (types && !types.includes(own) && !(types.includes('integer') && Number.isInteger(value))) {
    wrong.push(`${at}: is ${own}, not ${types.join(' or ')}`);
  }
  if (Array.isArray(schema['enum']) && !schema['enum'].includes(value)) wrong.push(`${at}: not in the enum`);
  if ('const' in schema && schema['const'] !== value) wrong.push(`${at}: is not ${String(schema['const'])}`);
  if (typeof value === 'string') {
    if (typeof pattern === 'string' && !new RegExp(pattern, 'u').test(value))
      wrong.push(`${at}: not ${pattern}`);
    if (typeof minLength === 'number' && value.length < minLength) wrong.push(`${at}: too short`);
    if (typeof maxLength === 'number' && value.length > maxLength) wrong.push(`${at}: too long`);
  }
  if (typeof value === 'number') {
    if (typeof minimum === 'number' && value < minimum) wrong.push(`${at}: below ${minimum}`);
    if (typeof maximum === 'number' && value > maximum) wrong.push(`${at}: above ${maximum}`);
  }
  return wrong;
}

function checkAlternatives(schema: Schema, value: unknown, root: Schema, at: string): string[] {
  const list = (key: string) => (schema[key] ?? []) as Schema[]; // the document is ours
  const either = [...list('anyOf'), ...list('oneOf')];
  const answers = either.map((one) => checkJsonSchema(one, value, root, at));
  const best = answers.sort((a, b) => a.length - b.length)[0] ?? [];
  return [...best, ...list('allOf').flatMap((one) => checkJsonSchema(one, value, root, at))];
}

function checkArray(schema: Schema, value: readonly unknown[], root: Schema, at: string): string[] {
  const { items, minItems, maxItems } = schema;
  const wrong: string[] = [];
  if (typeof minItems === 'number' && value.length < minItems) wrong.push(`${at}: too few`);
  if (typeof maxItems === 'number' && value.length > maxItems) wrong.push(`${at}: too many`);
  if (toType(items) !== 'object') return wrong;
  const each = value.flatMap((one, index) => checkJsonSchema(items as Schema, one, root, `${at}/${index}`)); // just asked
  return [...wrong, ...each];
}

function checkObject(schema: Schema, value: Schema, root: Schema, at: string): string[] {
  const properties = (schema['properties'] ?? {}) as Record<string, Schema>; // the document is ours
  const required = (schema['required'] ?? []) as string[]; // the same
  const rest = schema['additionalProperties'];
  const missing = required.filter((key) => !(key in value)).map((key) => `${at}/${key}: is missing`);
  const each = Object.entries(value).flatMap(([key, inner]) => {
    const place = `${at}/${key}`;
    const own = properties[key];
    if (own) return checkJsonSchema(own, inner, root, place);
    if (rest === false) return [`${place}: is not in the document`];
    return toType(rest) === 'object' ? checkJsonSchema(rest as Schema, inner, root, place) : []; // just asked
  });
  return [...missing, ...each];
}
