import { CredentialSecret } from '@/lib/access/credential-view';
import { canonicalJson } from '@/lib/core/hash';
import type { NodeId } from '@/lib/core/ids';
import { connectHost, type HostConnection } from '@/lib/ssh/connect-host';
import { HostError } from '@/lib/ssh/host-error';
import type { HostAuth, HostEndpoint, HostTarget } from '@/lib/ssh/target';
import { findNode } from '@/lib/topology/find-node';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { readNewestSecret } from './secret-store';
import type { WorkerContext } from './worker-context';

/** The nodes of one site as this worker reaches them: one connection per node, shared by all that it does there. */
export interface SiteHosts {
  /** The open connection of a node, or a new one. Rejects with HostError. */
  readonly connect: (nodeId: NodeId) => Promise<HostConnection>;
  /** Reaches nodes as another revision says from now on. */
  readonly use: (topology: Topology) => void;
  readonly close: () => void;
}

/** How a node is reached, as text: when it changes, an open connection is the wrong one. */
function toVia(node: TopologyNode): string {
  return canonicalJson([node.name, node.internalIp, node.ssh]);
}

/** Where a node's sshd listens. */
export function toEndpoint(node: TopologyNode): HostEndpoint {
  return { name: node.name, address: node.ssh.address ?? node.internalIp, port: node.ssh.port };
}

function missing(node: TopologyNode, message: string, nextAction: string): HostError {
  return new HostError({ code: 'credential-missing', message: `${node.name}: ${message}`, nextAction });
}

async function readCredential(context: WorkerContext, node: TopologyNode): Promise<CredentialSecret> {
  const { credentialId } = node.ssh;
  const row = credentialId
    ? await context.db.prisma.credential.findFirst({ where: { id: credentialId, deletedAt: null } })
    : null;
  if (!row) throw missing(node, 'no credential is chosen for it.', 'Pick a credential for this host.');
  const text = await readNewestSecret(context, 'credential', row.id, `The credential ${row.name}`);
  if (text === null)
    throw missing(node, `the credential ${row.name} is empty.`, 'Store the credential again.');
  return CredentialSecret.parse(JSON.parse(text));
}

/** Passwords and keys that can turn up while the site's hosts are worked on: what logs must never show. */
export async function listSiteCredentials(context: WorkerContext, topology: Topology): Promise<string[]> {
  const ids = new Set(topology.nodes.flatMap(({ ssh }) => (ssh.credentialId ? [ssh.credentialId] : [])));
  const texts = await Promise.all(
    [...ids].map((id) => readNewestSecret(context, 'credential', id, `The credential ${id}`)),
  );
  return texts.flatMap((text) =>
    text === null
      ? []
      : Object.values(CredentialSecret.parse(JSON.parse(text))).filter((value) => value !== undefined),
  );
}

function toAuth(node: TopologyNode, secret: CredentialSecret): HostAuth {
  if (secret.privateKey) {
    const { privateKey, passphrase } = secret;
    return { kind: 'key', privateKey, ...(passphrase && { passphrase }) };
  }
  if (secret.password) return { kind: 'password', password: secret.password };
  throw missing(node, 'its credential holds neither a key nor a password.', 'Store the credential again.');
}

async function readPinnedKeys(context: WorkerContext, node: TopologyNode) {
  const keys = await context.db.prisma.hostKey.findMany({
    where: { nodeId: node.id, approvedAt: { not: null }, revokedAt: null },
  });
  if (keys.length > 0) return keys.map(({ algorithm, publicKey }) => ({ algorithm, publicKey }));
  throw new HostError({
    code: 'host-key-unknown',
    message: `No host key of ${node.name} is approved yet.`,
    nextAction: 'Scan the host key, compare its fingerprint with the one on the host, then approve it.',
  });
}

/** Everything needed to sign in to a node: approved keys, credential, how to become root. Throws HostError. */
export async function toHostTarget(context: WorkerContext, node: TopologyNode): Promise<HostTarget> {
  if (node.ssh.bastion) {
    throw missing(
      node,
      'bastion hosts are not supported yet.',
      'Choose an address that this worker reaches directly.',
    );
  }
  const pinned = await readPinnedKeys(context, node);
  const secret = await readCredential(context, node);
  const sudoPassword = secret.sudoPassword ?? secret.password;
  const sudo = node.ssh.user === 'root' ? 'none' : sudoPassword ? { password: sudoPassword } : 'nopasswd';
  return { ...toEndpoint(node), user: node.ssh.user, auth: toAuth(node, secret), sudo, hostKey: { pinned } };
}

/**
 * The hosts of a topology. A connection that is lost is made again by the next `connect`; one whose node is reached in
 * another way after `use` is closed.
 */
export function openSiteHosts(context: WorkerContext, topology: Topology): SiteHosts {
  const open = new Map<NodeId, { readonly via: string; readonly connection: Promise<HostConnection> }>();
  let current = topology;
  let isClosed = false;
  const forget = (nodeId: NodeId, connection: Promise<HostConnection>): void => {
    if (open.get(nodeId)?.connection === connection) open.delete(nodeId);
  };
  const end = (connection: Promise<HostConnection>): void => {
    connection.then((one) => one.close()).catch(() => undefined);
  };
  const connect = (nodeId: NodeId): Promise<HostConnection> => {
    const known = open.get(nodeId);
    if (known) return known.connection;
    const node = findNode(current, nodeId);
    if (!node || isClosed) return Promise.reject(new Error(`no node ${nodeId} to connect to`));
    const connection = toHostTarget(context, node).then((target) =>
      connectHost(target, { policy: context.policy }),
    );
    open.set(nodeId, { via: toVia(node), connection });
    connection.then(
      (one) => one.onClose(() => forget(nodeId, connection)),
      () => forget(nodeId, connection),
    );
    return connection;
  };
  return {
    connect,
    use: (next) => {
      current = next;
      for (const [nodeId, { via, connection }] of open) {
        const node = findNode(next, nodeId);
        if (node && toVia(node) === via) continue;
        open.delete(nodeId);
        end(connection);
      }
    },
    close: () => {
      isClosed = true;
      for (const { connection } of open.values()) end(connection);
      open.clear();
    },
  };
}
