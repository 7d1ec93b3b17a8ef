import { headers } from 'next/headers';
import { notFound, redirect } from 'next/navigation';
import { cache } from 'react';
import { can } from '@/lib/access/can';
import type { Actor } from '@/lib/access/grant';
import type { EntryName } from '@/lib/access/permission-table';
import { PERMISSION_TABLE } from '@/lib/access/permission-table';
import { AppError } from '@/lib/core/errors';
import { PATH_HEADER, REQUEST_ID_HEADER } from './create-auth';
import { findSessionActor, findTokenActor } from './find-actor';
import { takeApiRate } from './api-rate';
import type { WebRuntime } from './runtime';
import { webRuntime } from './runtime';
import { refuseCrossSite } from './same-origin';

/** What services take as their first argument, and what edges need besides. */
export interface WebContext {
  readonly db: WebRuntime['db'];
  readonly keys: WebRuntime['keys'];
  readonly actor: Actor;
}

export interface Resource {
  readonly siteId?: string;
}

function toContext(runtime: WebRuntime, actor: Actor): WebContext {
  return { db: runtime.db, keys: runtime.keys, actor };
}

/** Why an entry of the permission table is closed to this actor, or null. */
function findRefusal(entry: EntryName, actor: Actor, resource: Resource): string | null {
  const need = PERMISSION_TABLE[entry];
  if (need === 'public') throw new Error(`${entry} is public and has no user`);
  if (need === 'signed-in') return null;
  const answer = can(actor.grants, need, resource.siteId);
  return answer.allowed ? null : answer.reason;
}

/** Who is signed in, once per request; null when nobody is. */
export const findUser = cache(async (): Promise<WebContext | null> => {
  const runtime = await webRuntime();
  const actor = await findSessionActor(runtime, await headers());
  return actor && toContext(runtime, actor);
});

/** First call of every page: sends strangers to the sign-in and shows "not found" to those who may not see it. */
export async function requireUser(entry: EntryName, resource: Resource = {}): Promise<WebContext> {
  const ctx = await findUser();
  if (!ctx) {
    const path = (await headers()).get(PATH_HEADER) ?? '/';
    redirect(`/login?next=${encodeURIComponent(path)}`);
  }
  if (findRefusal(entry, ctx.actor, resource) !== null) notFound();
  return ctx;
}

/** First call of the few pages that need nobody: says so by name, so that the table's test can hold them to it. */
export async function publicPage(entry: EntryName): Promise<{ user: WebContext | null }> {
  if (PERMISSION_TABLE[entry] !== 'public') throw new Error(`${entry} is not public`);
  return { user: await findUser() };
}

/** First call of every server action of signed-in people. Throws `unauthenticated` or `forbidden`. */
export async function requireActionUser(entry: EntryName, resource: Resource = {}): Promise<WebContext> {
  const [runtime, requestHeaders] = await Promise.all([webRuntime(), headers()]);
  refuseCrossSite(requestHeaders, runtime.env.publicUrl);
  const actor = await findSessionActor(runtime, requestHeaders);
  if (!actor)
    throw new AppError(
      'unauthenticated',
      'Your session has ended. Sign in again; what you typed stays here.',
    );
  takeApiRate(actor.userId);
  const refusal = findRefusal(entry, actor, resource);
  if (refusal !== null) throw new AppError('forbidden', refusal);
  return toContext(runtime, actor);
}

/** First call of every server action that needs nobody. */
export async function publicAction(entry: EntryName): Promise<{ runtime: WebRuntime; headers: Headers }> {
  if (PERMISSION_TABLE[entry] !== 'public') throw new Error(`${entry} is not public`);
  const [runtime, requestHeaders] = await Promise.all([webRuntime(), headers()]);
  refuseCrossSite(requestHeaders, runtime.env.publicUrl);
  return { runtime, headers: requestHeaders };
}

/**
 * First call of every API route: a bearer token, or the session cookie; writes by cookie must come from our own
 * pages. Throws `unauthenticated`, `forbidden` or `too-many`.
 */
export async function requireApiUser(
  entry: EntryName,
  request: Request,
  resource: Resource = {},
): Promise<WebContext> {
  const runtime = await webRuntime();
  const isBearer = request.headers.has('authorization');
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (!isBearer && !isRead) refuseCrossSite(request.headers, runtime.env.publicUrl);
  const actor = isBearer
    ? await findTokenActor(runtime, request.headers)
    : await findSessionActor(runtime, request.headers);
  if (!actor) {
    throw new AppError('unauthenticated', 'Sign in, or send a valid token as Authorization: Bearer sp_….');
  }
  takeApiRate(actor.userId);
  const refusal = findRefusal(entry, actor, resource);
  if (refusal !== null) throw new AppError('forbidden', refusal);
  return toContext(runtime, actor);
}

/** First call of the routes that need nobody (probes). */
export function publicRoute(entry: EntryName): void {
  if (PERMISSION_TABLE[entry] !== 'public') throw new Error(`${entry} is not public`);
}

/** Id of the request at hand, as it stands in the log and the audit. */
export async function requestId(): Promise<string> {
  return (await headers()).get(REQUEST_ID_HEADER) ?? '';
}
