import { readFileSync, watchFile } from 'node:fs';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { mergePatch } from './api-object';
import type { ApiObject } from './api-object';
import { findResource, toDiscovery, toGroupVersion } from './api-resources';
import type { ApiResource } from './api-resources';
import { ApiError, ApiStore } from './api-store';
import { toTable } from './api-table';
import { parseComponentFlags } from './component-flags';
import { keepMasterLease } from './api-leases';
import { EtcdClient } from './etcd-client';
import { toLayout } from './layout';
import { exitFatal, log, toMessage } from './log';
import { parseRelease } from './release';

/** Who a client certificate says that somebody is. */
interface User {
  name: string;
  groups: string[];
}

/** One request to a resource, taken apart. */
interface Target {
  resource: ApiResource;
  namespace: string | null;
  name: string | null;
  subresource: string | null;
  query: URLSearchParams;
}

/**
 * The stand-in's kube-apiserver: TLS on 6443, client certificates only, 401 for everybody else because RKE2 switches
 * anonymous access off (facts 8, 12 row 12). Flags are the real ones; an unknown one ends it.
 */
export function runApiServer(argv: readonly string[], version: string): void {
  const flags = parseFlagsOrEnd(argv);
  const need = (name: string) => flags.get(name) ?? exitFatal(`--${name} is required`);
  // The layout follows from where the certificates are: <data>/server/tls/…
  const layout = toLayout(need('tls-cert-file').replace(/\/server\/tls\/.*$/, ''));
  const etcd = new EtcdClient(layout);
  const store = new ApiStore(etcd);
  const readTls = () => ({
    cert: readFileSync(need('tls-cert-file')),
    key: readFileSync(need('tls-private-key-file')),
    ca: readFileSync(need('client-ca-file')),
  });
  const server = createServer(
    { ...readTls(), requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      answer(store, request, response, version).catch((error: unknown) => sendError(response, error));
    },
  );
  // The API server outlives a restart of the service, which may have issued its certificate anew.
  watchFile(need('tls-cert-file'), { interval: 1_000 }, () => server.setSecureContext(readTls()));
  server.on('error', (error) => exitFatal(`failed to create listener: ${error.message}`));
  server.listen(Number(flags.get('secure-port') ?? 6443), need('bind-address'), () => {
    log.info('Serving securely on 6443');
    void keepMasterLease(etcd, need('advertise-address'));
  });
}

function parseFlagsOrEnd(argv: readonly string[]): Map<string, string> {
  try {
    return parseComponentFlags('kube-apiserver', argv);
  } catch (error) {
    return exitFatal(`Error: ${toMessage(error)}`);
  }
}

function findUser(request: IncomingMessage): User | null {
  const { socket } = request;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return null;
  // Node types a repeated attribute as a string; it is a list then.
  const subject = socket.getPeerCertificate().subject as unknown as
    { CN?: string; O?: string | string[] } | undefined;
  if (subject?.CN === undefined) return null;
  return { name: subject.CN, groups: subject.O === undefined ? [] : [subject.O].flat() };
}

/** The few rules that matter here: masters and the control plane may do all, a node may report about itself. */
function isAllowed(user: User, method: string, target: Target | null): boolean {
  const parts = ['system:kube-controller-manager', 'system:rke2-controller', 'system:apiserver'];
  if (user.groups.includes('system:masters') || parts.includes(user.name)) return true;
  if (target === null) return true;
  if (!user.groups.includes('system:nodes')) return false;
  const { resource, namespace, name } = target;
  if (resource.plural === 'leases') {
    // As the node authorizer does it: a list is nobody's own.
    const isOwn = method === 'POST' || user.name === `system:node:${name}`;
    return namespace === 'kube-node-lease' && isOwn;
  }
  const written = ['nodes', 'pods', 'events'];
  const read = [...written, 'configmaps', 'services', 'daemonsets'];
  return (method === 'GET' ? read : written).includes(resource.plural);
}

async function answer(
  store: ApiStore,
  request: IncomingMessage,
  response: ServerResponse,
  version: string,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://api');
  const user = findUser(request);
  if (user === null) throw new ApiError(401, 'Unauthorized', 'Unauthorized');
  const target = parseTarget(url);
  const method = request.method ?? 'GET';
  if (!isAllowed(user, method, target)) {
    const what =
      target === null
        ? url.pathname
        : `resource "${target.resource.plural}" in API group "${target.resource.group}"`;
    throw new ApiError(
      403,
      'Forbidden',
      `forbidden: User "${user.name}" cannot ${method.toLowerCase()} ${what}`,
    );
  }
  if (/^\/(readyz|livez|healthz)(\/|$)/.test(url.pathname)) return sendHealth(store, url, response);
  if (url.pathname === '/version') return send(response, 200, toVersion(version));
  const discovery = toDiscovery(url.pathname);
  if (discovery !== null) return send(response, 200, discovery);
  if (target === null)
    throw new ApiError(404, 'NotFound', 'the server could not find the requested resource');
  await answerResource(store, request, response, target);
}

function parseTarget(url: URL): Target | null {
  const [, core, group, groupVersion, rest = ''] =
    /^\/(?:api\/(v1)|apis\/([^/]+)\/([^/]+))\/(.+?)\/?$/.exec(url.pathname) ?? [];
  const segments = rest.split('/').map(decodeURIComponent);
  const isScoped = segments[0] === 'namespaces' && segments.length >= 3;
  const [plural = '', name, subresource] = isScoped ? segments.slice(2) : segments;
  const resource = findResource(group ?? '', core ?? groupVersion ?? '', plural);
  if (resource === null) return null;
  const namespace = isScoped ? (segments[1] ?? null) : null;
  return {
    resource,
    namespace,
    name: name ?? null,
    subresource: subresource ?? null,
    query: url.searchParams,
  };
}

async function answerResource(
  store: ApiStore,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
): Promise<void> {
  const { resource, namespace, name } = target;
  const asTable = (request.headers.accept ?? '').includes('as=Table');
  const one = (object: ApiObject, code = 200) =>
    send(response, code, asTable ? toTable(resource, [object], '', Date.now()) : object);
  switch (request.method) {
    case 'GET':
      if (target.query.get('watch') === 'true' || target.query.get('watch') === '1')
        return watch(store, response, target);
      if (name !== null) return one(await store.get(resource, namespace, name));
      return sendList(store, response, target, asTable);
    case 'POST':
      return one(await store.create(resource, namespace, parseObject(await readBody(request))), 201);
    case 'PUT':
    case 'PATCH':
      if (name === null) break;
      return one(await change(store, request, target, name));
    case 'DELETE':
      if (name === null) break;
      return one(await store.remove(resource, namespace, name));
    default:
      break;
  }
  throw new ApiError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
  );
}

async function change(
  store: ApiStore,
  request: IncomingMessage,
  target: Target,
  name: string,
): Promise<ApiObject> {
  const body: unknown = JSON.parse(await readBody(request));
  const isStrategic = (request.headers['content-type'] ?? '').includes('strategic');
  return store.update(target.resource, target.namespace, name, (current) => {
    if (request.method === 'PATCH') {
      // Patching an object with an object gives an object.
      return mergePatch(current, body, isStrategic) as ApiObject;
    }
    const object = body as ApiObject;
    const wanted = object.metadata.resourceVersion;
    if (wanted !== undefined && wanted !== current.metadata.resourceVersion) {
      throw new ApiError(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ${target.resource.plural} "${name}": the object has been modified`,
      );
    }
    return target.subresource === 'status' && object.status !== undefined
      ? { ...current, status: object.status }
      : object;
  });
}

function listOptions(target: Target) {
  const byName = target.name === null ? null : `metadata.name=${target.name}`;
  return {
    labelSelector: target.query.get('labelSelector'),
    fieldSelector: byName ?? target.query.get('fieldSelector'),
  };
}

async function sendList(
  store: ApiStore,
  response: ServerResponse,
  target: Target,
  asTable: boolean,
): Promise<void> {
  const { resource } = target;
  const { items, revision } = await store.list(resource, target.namespace, listOptions(target));
  const list = {
    kind: `${resource.kind}List`,
    apiVersion: toGroupVersion(resource),
    metadata: { resourceVersion: revision },
    items,
  };
  send(response, 200, asTable ? toTable(resource, items, revision, Date.now()) : list);
}

/** Streams changes, found by listing twice a second, until the client or its `timeoutSeconds` ends it. */
async function watch(store: ApiStore, response: ServerResponse, target: Target): Promise<void> {
  const from = BigInt(target.query.get('resourceVersion') || '0');
  const endMs = Date.now() + Number(target.query.get('timeoutSeconds') ?? 300) * 1_000;
  let known: Map<string, ApiObject> | null = null;
  response.writeHead(200, { 'content-type': 'application/json' });
  const emit = (type: string, object: ApiObject) => response.write(`${JSON.stringify({ type, object })}\n`);
  while (!response.destroyed && Date.now() < endMs) {
    const { items } = await store.list(target.resource, target.namespace, listOptions(target));
    const now = new Map(items.map((item) => [item.metadata.uid ?? '', item]));
    for (const [uid, item] of now) {
      const before = known?.get(uid);
      const version = BigInt(item.metadata.resourceVersion ?? '0');
      if (before === undefined && (known !== null || version > from))
        emit(known === null && from > 0n ? 'MODIFIED' : 'ADDED', item);
      else if (before !== undefined && before.metadata.resourceVersion !== item.metadata.resourceVersion)
        emit('MODIFIED', item);
    }
    for (const [uid, item] of known ?? []) if (!now.has(uid)) emit('DELETED', item);
    known = now;
    await delay(500);
  }
  response.end();
}

async function sendHealth(store: ApiStore, url: URL, response: ServerResponse): Promise<void> {
  const namespaces = findResource('', 'v1', 'namespaces');
  const isServing =
    namespaces !== null &&
    (await store.get(namespaces, null, 'health-probe').catch((error: unknown) => error instanceof ApiError));
  const checks = `[+]ping ok\n[+]log ok\n${isServing ? '[+]etcd ok' : '[-]etcd failed: reason withheld'}\n`;
  const path = url.pathname.slice(1);
  const isVerbose = url.searchParams.has('verbose') || !isServing;
  const text = isVerbose ? `${checks}${path} check ${isServing ? 'passed' : 'failed'}\n` : 'ok';
  response.writeHead(isServing ? 200 : 500, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}

function toVersion(version: string): unknown {
  const { major, minor } = parseRelease(version);
  return {
    major,
    minor,
    gitVersion: version,
    gitCommit: 'stand-in',
    gitTreeState: 'stand-in',
    buildDate: '',
    goVersion: '',
    compiler: '',
    platform: 'linux/amd64',
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function parseObject(text: string): ApiObject {
  const value: unknown = JSON.parse(text);
  const isObject = typeof value === 'object' && value !== null && 'metadata' in value;
  if (!isObject) throw new ApiError(400, 'BadRequest', 'the object provided is unrecognized');
  return value as ApiObject;
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.end();
  // Anything that is not our own error means that etcd did not answer in time.
  const known =
    error instanceof ApiError
      ? error
      : new ApiError(504, 'Timeout', `Timeout: request did not complete: ${toMessage(error)}`);
  const { code, reason, message } = known;
  send(response, code, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    code,
  });
}
