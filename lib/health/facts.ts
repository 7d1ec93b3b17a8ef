import { z } from 'zod';
import { NodeId } from '@/lib/core/ids';
import { Arch } from '@/lib/topology/topology';

/** A file as found on a host; known secret values in `content` are slots again, unknown ones are masked. */
export const FileFact = z.object({
  mode: z.string(),
  owner: z.string(),
  group: z.string(),
  /** Null when the file is larger than 64 KiB or no UTF-8 text. */
  content: z.string().nullable(),
});
export type FileFact = z.infer<typeof FileFact>;

export const UnitFact = z.object({ load: z.string(), active: z.string(), enabled: z.string() });
export type UnitFact = z.infer<typeof UnitFact>;

/** A Node as the API of a server lists it. */
export const ClusterNodeFact = z.object({
  name: z.string(),
  role: z.enum(['server', 'agent']),
  /** Whether it says of itself that it votes in etcd (condition `EtcdIsVoter`, k3s pkg/etcd/etcd.go). */
  isVoter: z.boolean(),
});
export type ClusterNodeFact = z.infer<typeof ClusterNodeFact>;

/** What was read from one node by one probe. Bytes and MiB as named, ports as bound, all text made safe. */
export const NodeFacts = z.object({
  nodeId: NodeId,
  hostname: z.string(),
  machineId: z.string(),
  bootId: z.string(),
  arch: z.union([Arch, z.string()]),
  osId: z.string(),
  osVersion: z.string(),
  osName: z.string(),
  kernel: z.string(),
  hasSystemd: z.boolean(),
  cpus: z.int(),
  memoryMiB: z.int(),
  /** Free space for /var/lib/rancher/rke2, or for the nearest folder above that is there; GiB with one decimal. */
  dataFreeGiB: z.number(),
  swapMiB: z.int(),
  addresses: z.array(z.object({ interface: z.string(), address: z.string(), prefix: z.int() })),
  hasDefaultRoute: z.boolean(),
  resolvers: z.array(z.string()),
  listening: z.array(
    z.object({ protocol: z.enum(['tcp', 'udp']), address: z.string(), port: z.int(), process: z.string() }),
  ),
  units: z.record(z.string(), UnitFact),
  missingTools: z.array(z.string()),
  selinux: z.string(),
  /** Installed RKE2, e.g. v1.35.7+rke2r1, or null. */
  rke2Version: z.string().nullable(),
  /** True where /var/lib/rancher/rke2/server/db exists. */
  hasEtcdData: z.boolean(),
  /** Every Node of the cluster by its name, from a server whose API answers; else empty, as in facts stored before. */
  clusterNodes: z.array(ClusterNodeFact).default([]),
  /** Whole days until the first leaf certificate of RKE2 ends, by the host's clock; null where none was read. */
  certificateDays: z.int().nullable().default(null),
  /** Names of files in /etc/rancher/rke2/config.yaml.d. */
  dropIns: z.array(z.string()),
  /** By path: what stands there, null for nothing. Holds every path that the plan may write. */
  files: z.record(z.string(), FileFact.nullable()),
  /** Stamps that steps left behind (`restart` and the like): what the running service was started with. */
  stamps: z.record(z.string(), z.string()),
  /** Host clock minus the worker's, milliseconds, half the round trip taken off. */
  clockOffsetMs: z.number(),
});
export type NodeFacts = z.infer<typeof NodeFacts>;
