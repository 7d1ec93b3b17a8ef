import { expect } from 'vitest';
import { checkJsonSchema, resolve } from './check-json-schema';

type Json = Record<string, unknown>;

/** An operation of an OpenAPI document by its method and the path of its route: `GET /api/v1/sites/[siteId]`. */
function operationOf(document: Json, entry: string): Json {
  const [method = '', path = ''] = entry.split(' ');
  const paths = document['paths'] as Record<string, Record<string, Json>>; // an OpenAPI document
  return paths[path.replace(/\[(\w+)\]/g, '{$1}')]?.[method.toLowerCase()] ?? {};
}

/** Fails unless the document knows the status, the media type and the shape of an answer. */
export function holdToDocument(document: Json, entry: string, response: Response, text: string): void {
  const responses = operationOf(document, entry)['responses'] as Record<string, Json>; // an OpenAPI document
  const found = responses[response.status];
  expect(found, `${entry} answered ${response.status}: ${text.slice(0, 300)}`).toBeDefined();
  const stated = typeof found?.['$ref'] === 'string' ? resolve(found['$ref'], document) : (found ?? {});
  const content = stated['content'] as Record<string, { schema: Json }> | undefined; // the same
  const type = response.headers.get('content-type')?.split(';')[0] ?? '';
  if (!content) return expect(text, entry).toBe('');
  expect(Object.keys(content), entry).toContain(type);
  if (!type.endsWith('json')) return;
  const wrong = checkJsonSchema(content[type]?.schema ?? {}, JSON.parse(text), document);
  expect(wrong, `${entry} ${response.status}`).toEqual([]);
  for (const name of Object.keys(stated['headers'] ?? {}))
    expect(response.headers.get(name), name).toBeTruthy();
}

/** Fails unless a client that knows the document alone could have sent what was taken. */
export function holdRequestToDocument(
  document: Json,
  entry: string,
  { query = '', body }: { readonly query?: string; readonly body?: unknown },
): void {
  const { parameters, requestBody } = operationOf(document, entry);
  const known = (parameters as { in: string; name: string }[]).filter((each) => each.in === 'query'); // OpenAPI's
  const sent = [...new URLSearchParams(query).keys()];
  expect(
    known.map(({ name }) => name),
    entry,
  ).toEqual(expect.arrayContaining(sent));
  const { required = false, content = {} } = (requestBody ?? {}) as {
    required?: boolean;
    content?: Record<string, { schema: Json }>;
  }; // the same
  if (body === undefined || entry.startsWith('GET')) return expect(required, entry).toBe(false);
  const type = typeof body === 'string' ? 'application/yaml' : 'application/json';
  expect(Object.keys(content), entry).toContain(type);
  expect(checkJsonSchema(content[type]?.schema ?? {}, body, document), `${entry} ${type}`).toEqual([]);
}
