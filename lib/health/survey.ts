import { z } from 'zod';
import { NodeId } from '@/lib/core/ids';

export const TailscaleState = z.object({
  /** `Running`, `NeedsLogin` and so on (ipn state names); empty where the program gave no answer. */
  backendState: z.string(),
  addresses: z.array(z.string()),
  tags: z.array(z.string()),
  /** RFC 3339, or null for a key that does not expire. */
  keyExpiry: z.string().nullable(),
});
export type TailscaleState = z.infer<typeof TailscaleState>;

/**
 * What only the checks want to know of a host, read beside its facts; plans are not made from it. All text made safe.
 * Where a program to ask was missing, the field says so (`null`, `unknown`): never as if all were well.
 */
export const HostSurvey = z.object({
  nodeId: NodeId,
  /** Links as the kernel names them; speed in Mbit/s, null where the driver tells none. */
  links: z.array(z.object({ name: z.string(), mtu: z.int(), speedMbit: z.int().nullable() })),
  /** The file system below which RKE2 keeps its data. */
  dataMount: z
    .object({ path: z.string(), source: z.string(), fsType: z.string(), options: z.array(z.string()) })
    .nullable(),
  /** Its whole size in GiB, one decimal; 0 where unknown. */
  dataTotalGiB: z.number(),
  /** The kernel's word on the disk behind it; null where no disk was found behind it. */
  isRotational: z.boolean().nullable(),
  ntp: z.enum(['synchronised', 'not synchronised', 'unknown']),
  /** Addresses that a DHCP lease gave. */
  leasedAddresses: z.array(z.string()),
  routes: z.array(z.object({ to: z.string(), interface: z.string() })),
  modules: z.record(z.string(), z.enum(['there', 'missing', 'unknown'])),
  sysctls: z.record(z.string(), z.string()),
  hasEtcdUser: z.boolean(),
  /** Names of proxy variables that RKE2's service would get, without their values (they may hold passwords). */
  proxies: z.array(z.string()),
  noProxy: z.array(z.string()),
  /** Paths and interfaces of an earlier cluster. */
  leftovers: z.array(z.string()),
  /** File names in the directory of image bundles. */
  images: z.array(z.string()),
  hasNodePassword: z.boolean(),
  /** Names of the nodes in the running cluster, asked on a server; null where nothing runs or answers. */
  clusterNodes: z.array(z.string()).nullable(),
  hasKubeProxyManifest: z.boolean(),
  /** Address that this host's etcd tells its peers; null without etcd. */
  etcdAddress: z.string().nullable(),
  /** What the certificate behind the registration address says, asked on a running server; null where not asked. */
  registration: z.enum(['valid', 'wrong-certificate', 'silent', 'unknown']).nullable(),
  /** Null where Tailscale is not installed. */
  tailscale: TailscaleState.nullable(),
  /** A rule keeps Tailscale's packets out of the cluster network. */
  hasTailscaleDropRule: z.boolean(),
});
export type HostSurvey = z.infer<typeof HostSurvey>;
