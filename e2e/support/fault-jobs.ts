import { generateKeyPairSync } from 'node:crypto';
import { NodeId, SiteId } from '@/lib/core/ids';
import { inTransaction } from '@/lib/db/connect';
import { createLogger } from '@/lib/log/logger';
import { toKeyId } from '@/lib/secrets/seal';
import { connectHost } from '@/lib/ssh/connect-host';
import type { HostTarget } from '@/lib/ssh/target';
import { RIG_INSTALLATION, RIG_POLICY } from '@/lib/testing/engine-rig';
import { toDefaultTopology } from '@/lib/topology/create-topology';
import { Topology } from '@/lib/topology/topology';
import type { JobContext } from '@/lib/worker/jobs/job-context';
import { FAULT_NODE, type FaultWorld } from './fault-world';

/** A topology of the one host, reached as `target` says; a load balancer needs no join token. */
export function toFaultTopology(target: HostTarget, role: 'server' | 'lb'): Topology {
  const id = NodeId.parse(FAULT_NODE);
  const topology = toDefaultTopology('custom', [{ id, name: target.name, internalIp: '10.213.0.11' }]);
  const { address, port, user } = target;
  return Topology.parse({
    ...topology,
    nodes: topology.nodes.map((node) => ({ ...node, role, ssh: { ...node.ssh, address, port, user } })),
  });
}

/** What a job of the worker works with, on a host that is reached as `target` says. */
export function createFaultJob({ database }: FaultWorld, target: HostTarget): JobContext {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return {
    db: database.worker,
    sealKey: { key: publicKey, privateKey, keyId: toKeyId(publicKey) },
    policy: RIG_POLICY,
    log: createLogger('fault-job'),
    holder: 'test',
    installationId: RIG_INSTALLATION,
    signal: new AbortController().signal,
    siteId: SiteId.parse('site-faults'),
    createdBy: 'test',
    revision: 1,
    topology: toFaultTopology(target, 'lb'),
    hosts: {
      connect: () => connectHost(target, { policy: RIG_POLICY, connectTimeoutMs: 2_000 }),
      use: () => undefined,
      close: () => undefined,
    },
    progress: () => Promise.resolve(),
    fenced: (work) => inTransaction(database.worker.pool, work),
  };
}
