import type { z } from 'zod';
import type { EntryName } from '@/lib/access/permission-table';
import { REQUEST_ID_HEADER } from '@/lib/auth/create-auth';
import { requireApiUser } from '@/lib/auth/session';
import type { WebContext } from '@/lib/auth/session';
import { AppError, STATUS_OF } from '@/lib/core/errors';
import type { ErrorCode } from '@/lib/core/errors';
import { toShownError } from './report-error';

/** A body of JSON; anything larger than this is a mistake or an attack. Topologies may be larger. */
const MAX_JSON_BYTES = 256 * 1_024;

type Params = Readonly<Record<string, string>>;

export interface RouteInput<B, S> {
  readonly ctx: WebContext;
  readonly request: Request;
  readonly params: Params;
  /** The query string, parsed by the route's `search`. */
  readonly search: S;
  readonly body: B;
}

/** What a route does and says of itself; `/api/v1/openapi.json` is made of these (app/api/openapi). */
export interface RouteOptions<B, S, R> {
  /** What it does, one sentence. */
  readonly summary: string;
  /** Shape of the JSON body; absent means that no body is read. */
  readonly body?: z.ZodType<B>;
  /** For bodies that the service parses: the shape to document instead of `body`. */
  readonly bodyShape?: z.ZodType;
  readonly maxBytes?: number;
  /** Shape of the query string; absent means that the route looks at none. */
  readonly search?: z.ZodType<S>;
  /** Shape of the JSON answer; absent for routes that send files, streams or nothing. */
  readonly response?: z.ZodType<R>;
  /** Answers other than JSON: what each media type holds. */
  readonly files?: Readonly<Record<string, string>>;
  /** Headers that a request sends and that a success carries, with what they are for. */
  readonly requestHeaders?: Readonly<Record<string, { readonly required: boolean; readonly words: string }>>;
  readonly responseHeaders?: Readonly<Record<string, string>>;
  /** Refusals besides those that every route has. */
  readonly errors?: readonly ErrorCode[];
  /** Status of a success whose handler returns a value: 200 unless stated; 204 sends no body. */
  readonly status?: number;
}

/** A handler as Next calls it, with what it says of itself. */
export interface ApiRoute {
  (request: Request, context: { params: Promise<Params | undefined> }): Promise<Response>;
  readonly entry: EntryName;
  readonly options: RouteOptions<unknown, unknown, unknown>;
}

/** Text of a body, refused beyond `maxBytes` while it arrives. */
async function readText(request: Request, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (request.body) {
    for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
      // Node's streams iterate; DOM typings lag
      size += chunk.length;
      if (size > maxBytes)
        throw new AppError('invalid', `The body is larger than ${Math.floor(maxBytes / 1_024)} KiB.`);
      chunks.push(chunk);
    }
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** JSON, or YAML text as it stands. Only these two types: a form of another site can send neither without asking. */
async function readBody<B>(request: Request, schema: z.ZodType<B>, maxBytes: number): Promise<B> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  const text = await readText(request, maxBytes);
  if (text === '') {
    const none = schema.safeParse(undefined);
    if (none.success) return none.data; // a body that may be left out
  }
  if (type === 'application/yaml') return schema.parse(text);
  if (type !== 'application/json') throw new AppError('invalid', 'Send application/json.');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AppError('invalid', 'The body is not JSON.', { cause });
  }
  return schema.parse(value);
}

/** An error as RFC 9457 problem details. */
export function toProblem(error: unknown, request: Request, entry: EntryName): Response {
  const requestId = request.headers.get(REQUEST_ID_HEADER) ?? '';
  const { code, message, fields, retryAfterS } = toShownError(error, { requestId, entry });
  const status = STATUS_OF[code];
  const problem = {
    type: `urn:siteplan:problem:${code}`,
    title: code,
    status,
    detail: message,
    code,
    fields,
    requestId,
  };
  const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
  if (code === 'unauthenticated') headers.set('www-authenticate', 'Bearer');
  if (code === 'too-many' || code === 'unavailable') headers.set('retry-after', String(retryAfterS ?? 60));
  return new Response(JSON.stringify(problem), { status, headers });
}

/** A value as JSON that no cache keeps. */
export function toJson(
  value: unknown,
  init: { status?: number; headers?: Record<string, string> } = {},
): Response {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store', ...init.headers };
  return new Response(JSON.stringify(value), { status: init.status ?? 200, headers });
}

/**
 * An API route: asks for its row of the permission table first (bearer token or session), reads the body by its
 * schema, runs `handle` and answers JSON; a handler may make its own Response. Errors become problem details.
 */
export function apiRoute<B = undefined, S = undefined, R = unknown>(
  entry: EntryName,
  options: RouteOptions<B, S, R>,
  handle: (input: RouteInput<B, S>) => Promise<NoInfer<R> | Response>,
): ApiRoute {
  const route = async (
    request: Request,
    context: { params: Promise<Params | undefined> },
  ): Promise<Response> => {
    try {
      const params = (await context.params) ?? {}; // undefined for routes without a parameter
      const { siteId } = params;
      const ctx = await requireApiUser(entry, request, siteId === undefined ? {} : { siteId });
      const body = options.body
        ? await readBody(request, options.body, options.maxBytes ?? MAX_JSON_BYTES)
        : undefined;
      const search = options.search?.parse(Object.fromEntries(new URL(request.url).searchParams));
      // Without their schemas B and S are undefined by their defaults.
      const value = await handle({ ctx, request, params, search: search as S, body: body as B });
      if (value instanceof Response) return value;
      return options.status === 204
        ? new Response(null, { status: 204 })
        : toJson(value, { status: options.status ?? 200 });
    } catch (error) {
      return toProblem(error, request, entry);
    }
  };
  return Object.assign(route, { entry, options });
}

/** A path parameter that Next guarantees by the folder's name. */
export function param(params: Params, name: string): string {
  const value = params[name];
  if (value === undefined) throw new Error(`the route has no parameter ${name}`);
  return value;
}
