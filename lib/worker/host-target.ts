import { CredentialSecret } from '@/lib/access/credential-view';
import type { HostPublicKey } from '@/lib/ssh/host-key';
import { HostError } from '@/lib/ssh/host-error';
import type { HostAuth, HostEndpoint, HostLogin, HostTarget } from '@/lib/ssh/target';
import { listHops, toHopKey, type Hop } from '@/lib/topology/list-hops';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { readNewestSecret } from './secret-store';
import type { WorkerContext } from './worker-context';

/** Where a node's sshd listens. */
export function toEndpoint(node: TopologyNode): HostEndpoint {
  return { name: node.name, address: node.ssh.address ?? node.internalIp, port: node.ssh.port };
}

/** Where a bastion's sshd listens; its name is its address. */
export function toHopEndpoint(hop: Hop): HostEndpoint {
  return { name: `bastion ${toHopKey(hop)}`, address: hop.address, port: hop.port };
}

function missing(name: string, message: string, nextAction: string): HostError {
  return new HostError({ code: 'credential-missing', message: `${name}: ${message}`, nextAction });
}

async function readCredential(
  context: WorkerContext,
  name: string,
  credentialId: string | undefined,
): Promise<CredentialSecret> {
  const row = credentialId
    ? await context.db.prisma.credential.findFirst({ where: { id: credentialId, deletedAt: null } })
    : null;
  if (!row) throw missing(name, 'no credential is chosen for it.', 'Pick a credential for this host.');
  const text = await readNewestSecret(context, 'credential', row.id, `The credential ${row.name}`);
  if (text === null)
    throw missing(name, `the credential ${row.name} is empty.`, 'Store the credential again.');
  return CredentialSecret.parse(JSON.parse(text));
}

/** Passwords and keys that can turn up while the site's hosts are worked on: what logs must never show. */
export async function listSiteCredentials(context: WorkerContext, topology: Topology): Promise<string[]> {
  const ids = new Set(
    topology.nodes
      .flatMap(({ ssh }) => [ssh, ...listHops(ssh)])
      .flatMap(({ credentialId }) => (credentialId ? [credentialId] : [])),
  );
  const texts = await Promise.all(
    [...ids].map((id) => readNewestSecret(context, 'credential', id, `The credential ${id}`)),
  );
  return texts.flatMap((text) => {
    if (text === null) return [];
    const { password, privateKey, passphrase, sudoPassword } = CredentialSecret.parse(JSON.parse(text));
    return [password, privateKey, passphrase, sudoPassword].filter((value) => value !== undefined);
  });
}

function toAuth(context: WorkerContext, name: string, secret: CredentialSecret): HostAuth {
  if (secret.agent) {
    if (!context.sshAgent) {
      const action = 'Set SITEPLAN_SSH_AGENT for every worker, or pick another credential.';
      throw missing(name, 'its credential is the agent of the workers, and this worker has none.', action);
    }
    const [algorithm = '', publicKey = ''] = secret.publicKey?.split(' ') ?? [];
    const socket = context.sshAgent;
    return { kind: 'agent', socket, ...(publicKey && { publicKey: { algorithm, publicKey } }) };
  }
  if (secret.privateKey) {
    const { privateKey, passphrase } = secret;
    return { kind: 'key', privateKey, ...(passphrase && { passphrase }) };
  }
  if (secret.password) return { kind: 'password', password: secret.password };
  throw missing(name, 'its credential holds neither a key nor a password.', 'Store the credential again.');
}

async function readPinnedKeys(
  context: WorkerContext,
  node: TopologyNode,
  endpoint: HostEndpoint,
  hop: string,
): Promise<HostPublicKey[]> {
  const keys = await context.db.prisma.hostKey.findMany({
    where: { nodeId: node.id, hop, approvedAt: { not: null }, revokedAt: null },
    orderBy: { fingerprint: 'asc' },
  });
  if (keys.length > 0) return keys.map(({ algorithm, publicKey }) => ({ algorithm, publicKey }));
  throw new HostError({
    code: 'host-key-unknown',
    message:
      hop === ''
        ? `No host key of ${endpoint.name} is approved yet.`
        : `No host key of ${endpoint.name}, on the way to ${node.name}, is approved yet.`,
    nextAction: 'Scan the host key, compare its fingerprint with the one on the host, then approve it.',
  });
}

/** How to sign in to the `count` first bastions on the way to a node, all of them by default. Throws HostError. */
export async function toBastions(
  context: WorkerContext,
  node: TopologyNode,
  count?: number,
): Promise<HostLogin[]> {
  const bastions: HostLogin[] = [];
  for (const hop of listHops(node.ssh).slice(0, count)) {
    const endpoint = toHopEndpoint(hop);
    const pinned = await readPinnedKeys(context, node, endpoint, toHopKey(hop));
    const secret = await readCredential(context, endpoint.name, hop.credentialId);
    const auth = toAuth(context, endpoint.name, secret);
    bastions.push({ ...endpoint, user: hop.user, auth, hostKey: { pinned } });
  }
  return bastions;
}

/** Everything needed to sign in to a node: the way, approved keys, credentials, how to become root. Throws HostError. */
export async function toHostTarget(context: WorkerContext, node: TopologyNode): Promise<HostTarget> {
  const endpoint = toEndpoint(node);
  const bastions = await toBastions(context, node);
  const pinned = await readPinnedKeys(context, node, endpoint, '');
  const secret = await readCredential(context, node.name, node.ssh.credentialId);
  const sudoPassword = secret.sudoPassword ?? secret.password;
  const sudo = node.ssh.user === 'root' ? 'none' : sudoPassword ? { password: sudoPassword } : 'nopasswd';
  const auth = toAuth(context, node.name, secret);
  return { ...endpoint, user: node.ssh.user, auth, sudo, hostKey: { pinned }, bastions };
}
