import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { masterLeasePrefix } from './api-leases';
import { readBootstrapFiles, rotateBootstrapPassword } from './bootstrap-data';
import { signRequest } from './certificates';
import { listMembers } from './members';
import { checkNodePassword, nodePasswordRejected } from './node-password';
import { criticalValues } from './settings';
import type { Settings } from './settings';
import { RouteError } from './supervisor-state';
import type { SupervisorState, SupervisorUser } from './supervisor-state';
import { writeTokenFiles } from './tokens';

interface Call {
  user: SupervisorUser;
  path: string;
  request: IncomingMessage;
}

/** What a node is told before it starts; a joining server compares `critical` with its own (facts 2.3). */
export interface ClusterConfig {
  critical: Record<string, string>;
}

/** The critical values of a server with the given agents' password. */
export function toClusterConfig(settings: Settings, agentPassword: string): ClusterConfig {
  const agentToken = createHash('sha256').update(agentPassword).digest('hex');
  return { critical: { ...criticalValues(settings), 'agent-token': agentToken } };
}

/**
 * The answers of port 9345 to somebody with a token, as text; throws a RouteError for any other status. The paths are
 * those of k3s' router under RKE2's name; what they carry is the stand-in's own.
 */
export async function routeSupervisor(state: SupervisorState, call: Call): Promise<string> {
  const onlyServers = () => {
    if (call.user !== 'server') throw new RouteError(403, 'Forbidden');
  };
  switch (call.path) {
    case '/apis':
      return '';
    case '/v1-rke2/readyz':
      if (!(await state.client.isReady())) throw new RouteError(503, 'not ready');
      return 'ok';
    case '/v1-rke2/config':
      return JSON.stringify(toClusterConfig(state.settings, state.passwords?.node ?? ''));
    case '/v1-rke2/apiservers':
      return JSON.stringify(await listApiServers(state));
    case '/v1-rke2/server-ca.crt':
    case '/v1-rke2/client-ca.crt':
      return readFileSync(join(state.layout.tls, call.path.slice('/v1-rke2/'.length)), 'utf8');
    case '/v1-rke2/client-kubelet.crt':
    case '/v1-rke2/serving-kubelet.crt':
      return signKubelet(state, call.path, call.request);
    case '/v1-rke2/server-bootstrap':
      onlyServers();
      return JSON.stringify(readBootstrapFiles(state.layout));
    case '/db/info':
      onlyServers();
      return JSON.stringify(await listMembers(state.etcd));
    case '/v1-rke2/token':
      onlyServers();
      return rotateToken(state, await readText(call.request));
    default:
      throw new RouteError(404, 'NotFound');
  }
}

/** The addresses whose API servers have reported within the last 15 s. */
async function listApiServers(state: SupervisorState): Promise<string[]> {
  const { entries } = await state.etcd.list(masterLeasePrefix);
  return entries.map((entry) => entry.key.slice(masterLeasePrefix.length)).sort();
}

/** Signs a kubelet's request, once its node password has shown that the name is the host's own. */
async function signKubelet(state: SupervisorState, path: string, request: IncomingMessage): Promise<string> {
  const header = (name: string) => String(request.headers[`rke2-node-${name}`] ?? '');
  const [name, password] = [header('name'), header('password')];
  if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name) || password === '')
    throw new RouteError(400, 'node name or node password not set');
  const addresses = header('ip')
    .split(',')
    .filter((address) => /^[0-9a-f.:]+$/.test(address));
  const text = await readText(request);
  if (!(await checkNodePassword(state.client, name, password)))
    throw new RouteError(403, nodePasswordRejected);
  const { tls } = state.layout;
  const isClient = path.includes('client-');
  return isClient
    ? signRequest(text, {
        ca: join(tls, 'client-ca'),
        commonName: `system:node:${name}`,
        organization: 'system:nodes',
        usages: ['clientAuth'],
      })
    : signRequest(text, {
        ca: join(tls, 'server-ca'),
        commonName: name,
        usages: ['serverAuth'],
        sans: [name, '127.0.0.1', '::1', 'localhost', ...addresses],
      });
}

/** `rke2 token rotate`: the bootstrap data under the new password, then this server's files (facts 3.3). */
async function rotateToken(state: SupervisorState, body: string): Promise<string> {
  const { newToken } = JSON.parse(body) as { newToken?: unknown };
  if (typeof newToken !== 'string' || newToken === '' || state.passwords === null)
    throw new RouteError(400, 'new token is empty');
  const old = state.passwords;
  await rotateBootstrapPassword(state.etcd, old.server, newToken);
  state.passwords = { server: newToken, node: old.node === old.server ? newToken : old.node };
  writeTokenFiles(state.layout, state.passwords);
  return '';
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
