import { isLoopback } from '@/lib/env/env';

/** Why a request is turned away before anything of Next sees it: a status and one line. */
export interface Refusal {
  readonly status: number;
  readonly line: string;
}

export interface GateRequest {
  readonly method: string;
  /** The request target as it stood on the wire. */
  readonly target: string;
  readonly host: string | undefined;
  readonly contentLength: string | undefined;
}

/** Paths that probes ask for by whatever address they have. */
const PROBES = new Set(['/healthz', '/readyz', '/metrics']);
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);
const MAX_TARGET = 8_192;
/** The largest body that any route takes is a topology; routes and Next look at what arrives without a length. */
const MAX_BODY_BYTES = 12 * 1_024 * 1_024;

function isOwnHost(host: string | undefined, publicUrl: string): boolean {
  if (host === undefined || !URL.canParse(`http://${host}`)) return false;
  const [asked, own] = [new URL(`http://${host}`), new URL(publicUrl)];
  if (asked.host === own.host || host.toLowerCase() === own.host) return true;
  return isLoopback(own.hostname) && isLoopback(asked.hostname);
}

/** Tricks with slashes, dots and encodings by which a path can look like another one to the next program. */
function isTwisted(path: string): boolean {
  if (path.includes('//') || path.includes('\\') || path.includes('\0')) return true;
  if (/%(2f|5c|00|25(2f|5c))/i.test(path)) return true;
  return path.split('/').some((segment) => /^(\.|%2e){1,2}$/i.test(segment));
}

/** Escapes that are not UTF-8 in hexadecimal: nothing behind us could say which page is meant. */
function isMalformed(path: string): boolean {
  try {
    decodeURIComponent(path);
    return false;
  } catch {
    return true;
  }
}

/**
 * Looks at a request line before anyone interprets it (S6, S9, S24): origin form only, plain paths, our own host name,
 * no image optimiser. Null lets it pass.
 */
export function findRefusal(request: GateRequest, publicUrl: string): Refusal | null {
  const { method, target, host, contentLength } = request;
  if (!METHODS.has(method)) return { status: 405, line: 'method not allowed' };
  if (target.length > MAX_TARGET) return { status: 414, line: 'address too long' };
  if (!target.startsWith('/') || /[\u0000-\u0020\u007f-\uffff]/.test(target))
    return { status: 400, line: 'bad address' };
  const path = target.split(/[?#]/, 1)[0] ?? '/';
  if (isTwisted(path) || isMalformed(path)) return { status: 400, line: 'bad address' };
  if (path === '/_next/image' || path.startsWith('/_next/image/')) return { status: 404, line: 'not found' };
  if (!PROBES.has(path) && !isOwnHost(host, publicUrl)) {
    return { status: 421, line: `this is not ${host ?? 'a named host'}; see SITEPLAN_PUBLIC_URL` };
  }
  if (contentLength !== undefined && Number(contentLength) > MAX_BODY_BYTES)
    return { status: 413, line: 'body too large' };
  return null;
}
