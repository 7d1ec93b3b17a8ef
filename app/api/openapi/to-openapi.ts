import type { ApiRoute, RouteOptions } from '@/app/api-route';
import { PERMISSION_TABLE } from '@/lib/access/permission-table';
import type { ErrorCode } from '@/lib/core/errors';
import { STATUS_OF } from '@/lib/core/errors';
import type { JsonSchema } from './components';
import { ComponentSchemas } from './components';
import { Problem } from './shapes';

type Operation = Readonly<Record<string, unknown>>;
type Options = RouteOptions<unknown, unknown, unknown>;

/** OpenAPI 3.1 as far as it is filled in here. */
export interface OpenApi {
  readonly openapi: '3.1.1';
  readonly info: Readonly<Record<string, unknown>>;
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, unknown>>;
  readonly security: readonly object[];
}

const TAGS: Readonly<Record<string, string>> = {
  sites: 'Places with one cluster each, and what is seen of them.',
  topology: 'The desired architecture of a site, in revisions.',
  hosts: 'Host keys, fences, and how to sign in.',
  jobs: 'Reading work on hosts: scan, checks, plan, kubeconfig. Filed with 202, read until they are done.',
  plans: 'Ordered steps with file diffs.',
  runs: 'Executions of plans and their logs.',
  system: 'The audit, event streams and this document.',
};

const PARAMETERS: Readonly<Record<string, string>> = {
  siteId: 'Id of a site.',
  nodeId: 'Id of a node, as the topology has it.',
  revision: 'Number of a revision, from 1.',
  credentialId: 'Id of a credential.',
  overrideId: 'Id of an override, from the checks of a site.',
  field: 'A secret of a site: s3-access-key or s3-secret-key.',
  jobId: 'Id of a job.',
  planId: 'Id of a plan.',
  runId: 'Id of a run.',
};

const REFUSALS: Readonly<Record<ErrorCode, string>> = {
  invalid: 'What was sent is not valid; `detail` says what.',
  unauthenticated: 'No token, or one that is unknown, revoked or expired.',
  forbidden: 'Your role does not allow this.',
  'not-found': 'It is not there, or you may not see it.',
  conflict: 'Something else stands in the way; `detail` says what.',
  'precondition-failed': 'Something must be there or be done first; `detail` says what.',
  'too-many': 'Too much at once; see Retry-After.',
  unavailable: 'The database does not answer; see Retry-After.',
  internal: 'The server failed; its log has more under `requestId`.',
};

function toTag(path: string): string {
  const [first = '', , third = ''] = path.split('/').slice(3);
  if (first === 'plans' || third.startsWith('plan') || third === 'bundle') return 'plans';
  if (third === 'topology' || third === 'findings') return 'topology';
  if (['nodes', 'host-keys'].includes(third) || first === 'credentials') return 'hosts';
  if (['preflight', 'checks', 'kubeconfig'].includes(third) || first === 'jobs') return 'jobs';
  if (first === 'sites' || first === 'runs') return first;
  return 'system';
}

/** `GET /api/v1/sites/[siteId]` as `getSitesBySiteId`: stable, and a name in every language. */
function toOperationId(method: string, path: string): string {
  const words = path
    .replace('/api/v1/', '')
    .replace(/\[(\w+)\]/g, 'by-$1')
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean);
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return `${method.toLowerCase()}${name}`;
}

function toPathParameters(path: string): object[] {
  return [...path.matchAll(/\[(\w+)\]/g)].map(([, name = '']) => {
    const description = PARAMETERS[name];
    if (!description) throw new Error(`the parameter ${name} has no description (app/api/openapi)`);
    return { name, in: 'path', required: true, description, schema: { type: 'string' } };
  });
}

function toQueryParameters(options: Options, schemas: ComponentSchemas): object[] {
  if (!options.search) return [];
  const { properties = {}, required = [] } = schemas.toSchema(options.search, 'input') as {
    properties?: Record<string, { description?: string }>;
    required?: string[];
  }; // a query is an object
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(description && { description }),
    schema,
  }));
}

function toHeaderParameters({ requestHeaders = {} }: Options): object[] {
  return Object.entries(requestHeaders).map(([name, { required, words }]) => ({
    name,
    in: 'header',
    required,
    description: words,
    schema: { type: 'string' },
  }));
}

function toRequestBody(options: Options, schemas: ComponentSchemas): object | null {
  if (!options.body) return null;
  const shape = options.bodyShape ?? options.body;
  const text = { 'application/yaml': { schema: { type: 'string' } } };
  return {
    required: !options.body.safeParse(undefined).success || options.bodyShape !== undefined,
    content: {
      'application/json': { schema: schemas.toSchema(shape, 'input') },
      ...(shape.safeParse('text').success && text),
    },
  };
}

function toSuccess(options: Options, schemas: ComponentSchemas): object {
  const { response, files = {}, responseHeaders = {} } = options;
  const content = {
    ...(response && { 'application/json': { schema: schemas.toSchema(response, 'output') } }),
    ...Object.fromEntries(
      Object.entries(files).map(([type, description]) => [type, { schema: { type: 'string', description } }]),
    ),
  };
  const headers = Object.entries(responseHeaders).map(([name, description]) => [
    name,
    { description, schema: { type: 'string' } },
  ]);
  return {
    description: options.status === 204 ? 'Done.' : options.status === 202 ? 'Filed.' : 'The answer.',
    ...(headers.length > 0 && { headers: Object.fromEntries(headers) as object }),
    ...(Object.keys(content).length > 0 && { content }),
  };
}

function listRefusals(path: string, options: Options): ErrorCode[] {
  const isChecked = options.body !== undefined || options.search !== undefined || path.includes('[');
  return [
    'unauthenticated',
    'forbidden',
    ...(path.includes('[') ? (['not-found'] as const) : []),
    ...(isChecked ? (['invalid'] as const) : []),
    ...(options.errors ?? []),
    'too-many',
    'unavailable',
    'internal',
  ];
}

function toOperation({ entry, options }: ApiRoute, schemas: ComponentSchemas): Operation {
  const [method = '', path = ''] = entry.split(' ');
  const requestBody = toRequestBody(options, schemas);
  const need = PERMISSION_TABLE[entry];
  return {
    operationId: toOperationId(method, path),
    tags: [toTag(path)],
    summary: options.summary,
    description: need === 'signed-in' ? 'For everybody with an account.' : `Needs the right ${need}.`,
    parameters: [
      ...toPathParameters(path),
      ...toQueryParameters(options, schemas),
      ...toHeaderParameters(options),
    ],
    ...(requestBody && { requestBody }),
    responses: {
      [options.status ?? 200]: toSuccess(options, schemas),
      ...Object.fromEntries(
        listRefusals(path, options).map((code) => [
          STATUS_OF[code],
          { $ref: `#/components/responses/${code}` },
        ]),
      ),
    },
  };
}

/**
 * The API as an OpenAPI document, from what its routes say of themselves. Throws for a path parameter that has no
 * words yet. Pure: the same routes give the same document.
 */
export function toOpenApi(routes: readonly ApiRoute[], version: string): OpenApi {
  const schemas = new ComponentSchemas();
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    const [method = '', path = ''] = route.entry.split(' ');
    const url = path.replace(/\[(\w+)\]/g, '{$1}');
    paths[url] = { ...paths[url], [method.toLowerCase()]: toOperation(route, schemas) };
  }
  const problem: JsonSchema = schemas.toSchema(Problem, 'output');
  const responses = Object.entries(REFUSALS).map(([code, description]) => [
    code,
    { description, content: { 'application/problem+json': { schema: problem } } },
  ]);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Siteplan',
      version,
      description:
        'The HTTP API of Siteplan. Times are ISO 8601 in UTC; errors are RFC 9457 problem details.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: schemas.toComponents(),
      responses: Object.fromEntries(responses) as object,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token of Settings, API tokens.' },
      },
    },
    security: [{ token: [] }],
  };
}
