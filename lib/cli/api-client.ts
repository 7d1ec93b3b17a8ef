import { z } from 'zod';
import { isLoopback } from '@/lib/env/env';
import { CliError, EXIT_OF, type Exit } from './cli-error';

/** RFC 9457, as the server writes it; everything in it is foreign text. */
const Problem = z.object({
  code: z.string(),
  detail: z.string(),
  fields: z.record(z.string(), z.string()).optional(),
});
/** Lines of fields that are shown; a document may have thousands that are wrong. */
const MAX_FIELDS = 50;

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as YAML. */
  readonly yaml?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Login {
  readonly url: string;
  readonly token: string;
}

/** A server's address as an origin. Throws for an address over which a token would be readable by others. */
export function parseServerUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new CliError('usage', 'The address of the server must be an http or https URL.');
  }
  if (url.username || url.password)
    throw new CliError('usage', 'The address of the server must not hold a password.');
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new CliError(
      'usage',
      'A token is sent to other machines by https only. Use the https address of the server.',
    );
  }
  return url.origin;
}

/** Speaks to a server with a token. Every failure is a CliError in words. */
export class ApiClient {
  constructor(private readonly login: Login) {}

  get url(): string {
    return this.login.url;
  }

  /** The answer as it came; throws for every status that is not a success. */
  async send(path: string, request: ApiRequest = {}): Promise<Response> {
    const { method = 'GET', json, yaml, headers, signal } = request;
    const body = yaml ?? (json === undefined ? undefined : JSON.stringify(json));
    const response = await fetch(`${this.login.url}/api/v1${path}`, {
      method,
      redirect: 'error', // a token goes to the address that was named, nowhere else
      headers: {
        authorization: `Bearer ${this.login.token}`,
        ...(body !== undefined && {
          'content-type': yaml === undefined ? 'application/json' : 'application/yaml',
        }),
        ...headers,
      },
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
    }).catch((cause: unknown) => {
      if (signal?.aborted) throw cause;
      const message = `${this.login.url} does not answer. Check the address, and that Siteplan runs there.`;
      throw new CliError('unreachable', message, { cause });
    });
    if (!response.ok) throw await toError(response, this.login.url);
    return response;
  }

  /** The answer as JSON of this shape. */
  async get<S extends z.ZodType>(shape: S, path: string, request: ApiRequest = {}): Promise<z.output<S>> {
    const response = await this.send(path, request);
    const parsed = shape.safeParse(await response.json().catch(() => undefined));
    if (parsed.success) return parsed.data;
    const message = `${this.login.url} answered in a way that this program does not know. Is it Siteplan, of the same version?`;
    throw new CliError('failed', message, { cause: parsed.error });
  }
}

async function toError(response: Response, url: string): Promise<CliError> {
  const problem = Problem.safeParse(await response.json().catch(() => undefined));
  if (!problem.success) {
    return new CliError('failed', `${url} answered with status ${response.status}. Is it Siteplan?`);
  }
  const { code, detail, fields = {} } = problem.data;
  if (code === 'unauthenticated') {
    return new CliError(
      'denied',
      'The token is unknown, revoked or expired. Make another one and use: login.',
    );
  }
  const exit: Exit | undefined = (EXIT_OF as Readonly<Record<string, Exit>>)[code]; // asked by a foreign text
  return new CliError(exit ?? 'failed', [detail, ...toFieldLines(detail, fields)].join('\n'));
}

/** What is wrong, a line per field; none where the sentence says it all. */
function toFieldLines(detail: string, fields: Readonly<Record<string, string>>): string[] {
  const lines = Object.entries(fields).map(([path, words]) => `  ${path}: ${words}`.replaceAll('\n', ' '));
  if (lines.length === 0 || (lines.length === 1 && lines[0] === `  ${detail.replace(/\.$/, '')}`)) return [];
  const more = lines.length - MAX_FIELDS;
  return more > 0 ? [...lines.slice(0, MAX_FIELDS), `  and ${more} more`] : lines;
}
