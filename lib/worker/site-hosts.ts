import { canonicalJson, sha256Hex } from '@/lib/core/hash';
import type { NodeId, SiteId } from '@/lib/core/ids';
import { connectHost, type HostConnection } from '@/lib/ssh/connect-host';
import { HostError } from '@/lib/ssh/host-error';
import type { HostTarget } from '@/lib/ssh/target';
import { findNode } from '@/lib/topology/find-node';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { followTrust } from './follow-trust';
import { toHostTarget } from './host-target';
import type { WorkerContext } from './worker-context';

/** The nodes of one site as this worker reaches them: one connection per node, shared by all that it does there. */
export interface SiteHosts {
  /** The open connection of a node, or a new one. Rejects with HostError. */
  readonly connect: (nodeId: NodeId) => Promise<HostConnection>;
  /** Reaches nodes as another revision says from now on. */
  readonly use: (topology: Topology) => void;
  readonly close: () => void;
}

interface OpenHost {
  readonly connection: Promise<HostConnection>;
  /** How the topology says that the node is reached. */
  readonly via: string;
  /** Hash of all that the connection rests on: address, way, approved keys, credentials; null until it is known. */
  trust: string | null;
}

/** How a node is reached, as text: when it changes, an open connection is the wrong one. */
function toVia(node: TopologyNode): string {
  return canonicalJson([node.name, node.internalIp, node.ssh]);
}

/** Hashed, because the target holds the secrets. */
function toTrust(target: HostTarget): string {
  return sha256Hex(canonicalJson(target));
}

/** Trust that cannot be read any more is gone; a database that is away says nothing about it. */
function toLostTrust(host: OpenHost): (error: unknown) => string | null {
  return (error) => (error instanceof HostError ? null : host.trust);
}

/**
 * The hosts of a topology. A connection that is lost is made again by the next `connect`. It is closed when its node is
 * reached in another way after `use`, and within seconds when what it was trusted by changes: a host key of the node or
 * of a bastion that is revoked or replaced, a credential that is deleted or stored again.
 */
export function openSiteHosts(context: WorkerContext, topology: Topology, siteId: SiteId): SiteHosts {
  const open = new Map<NodeId, OpenHost>();
  let current = topology;
  let isClosed = false;
  const drop = (nodeId: NodeId, host: OpenHost): void => {
    if (open.get(nodeId) === host) open.delete(nodeId);
    host.connection.then((one) => one.close()).catch(() => undefined);
  };
  const check = async (nodeId: NodeId, host: OpenHost): Promise<void> => {
    // One that is still connecting has read its trust a moment ago, or looks at it again when it stands.
    await host.connection.catch(() => undefined);
    const node = findNode(current, nodeId);
    const trust = node && (await toHostTarget(context, node).then(toTrust, toLostTrust(host)));
    if (open.get(nodeId) === host && (trust === null || trust !== host.trust)) drop(nodeId, host);
  };
  const stopFollowing = followTrust(context, (change) => {
    if (change?.topic === 'host-key' && change.key !== siteId) return;
    for (const [nodeId, host] of open) {
      if (change?.topic !== 'credential' || host.via.includes(change.key)) void check(nodeId, host);
    }
  });
  const connect = (nodeId: NodeId): Promise<HostConnection> => {
    const known = open.get(nodeId);
    if (known) return known.connection;
    const node = findNode(current, nodeId);
    if (!node || isClosed) return Promise.reject(new Error(`no node ${nodeId} to connect to`));
    const connection = toHostTarget(context, node).then((target) => {
      host.trust = toTrust(target);
      return connectHost(target, { policy: context.policy });
    });
    const host: OpenHost = { connection, via: toVia(node), trust: null };
    open.set(nodeId, host);
    const forget = () => {
      if (open.get(nodeId) === host) open.delete(nodeId);
    };
    connection.then((one) => one.onClose(forget), forget);
    return connection;
  };
  return {
    connect,
    use: (next) => {
      current = next;
      for (const [nodeId, host] of open) {
        const node = findNode(next, nodeId);
        if (!node || toVia(node) !== host.via) drop(nodeId, host);
      }
    },
    close: () => {
      isClosed = true;
      stopFollowing();
      for (const [nodeId, host] of open) drop(nodeId, host);
    },
  };
}
