import { z } from 'zod';
import { findCidr, findIpv4 } from '@/lib/core/cidr';
import { CredentialId, NodeId, SecretId } from '@/lib/core/ids';
import { DNS_NAME, HOSTNAME } from '@/lib/core/text';
import { MAX_NODES } from './refuse-bulk';

/** Brackets of secret slots (`lib/render/secret-slot`), control characters and marks that turn text around: never in text that files are made of. */
const PLAIN_LINE =
  /^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff⟦⟧]*$/u;
const NOT_PLAIN = 'no line breaks, control characters, direction marks or ⟦ ⟧';

/** One line of text for files of hosts. */
function Line(maxLength: number) {
  return z.string().max(maxLength).regex(PLAIN_LINE, NOT_PLAIN);
}
const HttpUrl = z
  .url({ protocol: /^https?$/, error: 'not an http or https URL' })
  .max(2_000)
  .regex(PLAIN_LINE, NOT_PLAIN)
  .refine(
    (text) => !/^https?:\/\/[^/?#]*@/i.test(text),
    'leave out user and password: this text is shown to viewers',
  );
const Ipv4 = z.string().refine((text) => findIpv4(text) !== null, 'not an IPv4 address');
const CidrText = z
  .string()
  .refine((text) => findCidr(text) !== null, 'not an IPv4 network such as 10.42.0.0/16');
const Port = z.int('a port is a whole number').min(1, 'ports begin at 1').max(65_535, 'ports end at 65535');
const Host = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9][A-Za-z0-9.:_-]*$/, 'not a host name or address');
const DnsName = z.string().regex(DNS_NAME, 'not a DNS name');
/** A POSIX portable user name; a leading dash would be read as an option. */
const UserName = z.string().regex(/^[a-z_][a-z0-9_.-]{0,31}$/, 'not a user name');
const LabelKey = z
  .string()
  .regex(
    /^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'not a label’s name such as example.com/tier',
  );
const LabelValue = z
  .string()
  .regex(
    /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/,
    'letters, digits, dots, dashes and underscores, at most 63, a letter or digit at both ends',
  );
/** No host needs more; a document of many thousands of labels is a mistake or an attack. */
const Labels = z
  .record(LabelKey, LabelValue)
  .refine((labels) => Object.keys(labels).length <= 100, 'at most 100 labels');
/** Names of namespaces and objects in the cluster (RFC 1123 label). */
const ObjectName = z.string().regex(HOSTNAME, 'lowercase letters, digits and dashes, at most 63');
/** A path that can stand in YAML, a unit file and a shell command without quoting. */
const AbsolutePath = z
  .string()
  .max(500)
  .regex(/^(\/[A-Za-z0-9_][A-Za-z0-9._-]*)+$/, 'not an absolute path such as /var/lib/data');
const InterfaceName = z.string().regex(/^[A-Za-z0-9_.-]{1,15}$/, 'not an interface name such as eth0');
/** `flag=value` for a Kubernetes component, without leading dashes (RKE2 docs reference/server_config). */
const ComponentArg = Line(1_000).regex(/^[a-z][a-z0-9-]*=.+$/, 'write flag=value, without dashes in front');

export const Role = z.enum(['server', 'agent', 'lb']);
export type Role = z.infer<typeof Role>;
export const Pattern = z.enum(['ha', 'edge', 'custom']);
export type Pattern = z.infer<typeof Pattern>;
export const Arch = z.enum(['amd64', 'arm64']);
export type Arch = z.infer<typeof Arch>;

/** A reference to a secret: its id and version, never its value (contract 3). */
export const SecretRef = z.strictObject({ id: SecretId, version: z.int().min(1) });
export type SecretRef = z.infer<typeof SecretRef>;

const Hop = z.strictObject({
  address: Host,
  port: Port.default(22),
  user: UserName.default('root'),
  credentialId: CredentialId.optional(),
});
const HopBehindOne = Hop.extend({ bastion: Hop.optional() });
/** A host to go through; it may be behind one itself, three at most. `listHops` has them in the order of the way. */
export const Bastion = Hop.extend({ bastion: HopBehindOne.optional() });

/** How the control plane reaches a node. `address` defaults to the node's internal IP where it is absent. */
export const SshAccess = z.strictObject({
  address: Host.optional(),
  port: Port.default(22),
  user: UserName.default('root'),
  credentialId: CredentialId.optional(),
  bastion: Bastion.optional(),
});
export type SshAccess = z.infer<typeof SshAccess>;

export const Taint = z.strictObject({
  key: LabelKey,
  value: LabelValue.default(''),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
});

/**
 * What the machine has or shall have, where somebody knows before it can be asked; preflight measures the real host.
 * Whole numbers; absent means not stated.
 */
export const Hardware = z.strictObject({
  cpus: z.int().min(1).max(4_096).optional(),
  memoryGiB: z.int().min(1).max(65_536).optional(),
  diskGiB: z.int().min(1).max(1_048_576).optional(),
  diskKind: z.enum(['ssd', 'hdd']).optional(),
  linkMbit: z.int().min(1).max(1_000_000).optional(),
});
export type Hardware = z.infer<typeof Hardware>;

export const TopologyNode = z.strictObject({
  /** Opaque and stable: host keys, samples and steps hang on it (contract 7). */
  id: NodeId,
  name: z.string().regex(HOSTNAME, 'lowercase letters, digits and dashes, at most 63'),
  role: Role,
  internalIp: Ipv4,
  externalIp: Ipv4.optional(),
  ssh: SshAccess.prefault({}),
  arch: Arch.default('amd64'),
  os: Line(80).default(''),
  hardware: Hardware.prefault({}),
  /** RKE2 sets them when the node first joins (RKE2 docs reference/linux_agent_config); later the step `nodes.label` does. */
  labels: Labels.default({}),
  taints: z.array(Taint).max(50).default([]),
  /** Failure domain: rack, room or zone; what-if and the drawing group by it. */
  zone: Line(63).default(''),
  /** Position in the drawing, in drawing units; absent means laid out by the layout. */
  position: z.strictObject({ x: z.number(), y: z.number() }).optional(),
});
export type TopologyNode = z.infer<typeof TopologyNode>;

export const Rke2 = z.strictObject({
  /** Exact version, so that a document always means the same; a channel is resolved when the document is made. */
  version: z
    .string()
    .regex(/^v\d+\.\d+\.\d+(-rc\d+)?\+rke2r\d+$/, 'write it like v1.35.7+rke2r1')
    .default('v1.35.7+rke2r1'),
  channel: z
    .string()
    .regex(/^(stable|latest|testing|v\d+\.\d+)$/, 'not a channel such as stable or v1.35')
    .optional(),
  artifacts: z
    .discriminatedUnion(
      'from',
      [
        z.strictObject({ from: z.literal('internet') }),
        /** Same layout below the URL as the release downloads: `<url>/<version, + as %2B>/<file>`. */
        z.strictObject({ from: z.literal('mirror'), url: HttpUrl }),
        z.strictObject({ from: z.literal('pushed') }),
      ],
      { error: 'from is internet, mirror or pushed' },
    )
    .default({ from: 'internet' }),
  ingressController: z.enum(['none', 'traefik', 'ingress-nginx']).default('none'),
  disable: z
    .array(z.string().regex(/^rke2-[a-z-]+$/, 'not a chart such as rke2-metrics-server'))
    .max(50)
    .default([]),
  serverArgs: z
    .strictObject({
      kubeApiserver: z.array(ComponentArg).max(100).default([]),
      kubeControllerManager: z.array(ComponentArg).max(100).default([]),
      kubeScheduler: z.array(ComponentArg).max(100).default([]),
      kubelet: z.array(ComponentArg).max(100).default([]),
    })
    .prefault({}),
});

/** How clients and joining agents find the servers; a joining server asks the first one (RKE2 docs install/ha). */
export const Registration = z.strictObject({
  /** `server`: the first server's own address (one server); `vip`, `dns`: the fixed address below. */
  via: z.enum(['server', 'vip', 'dns']).default('server'),
  vip: Ipv4.optional(),
  dnsName: DnsName.optional(),
  /** `managed`: Siteplan sets up nginx and keepalived on the lb nodes; `external`: somebody else's. */
  loadBalancer: z.enum(['none', 'managed', 'external']).default('none'),
  virtualRouterId: z.int().min(1).max(255).default(51),
  interface: InterfaceName.optional(),
});

export const Network = z.strictObject({
  clusterCidr: CidrText.default('10.42.0.0/16'),
  serviceCidr: CidrText.default('10.43.0.0/16'),
  /** Network that the internal addresses and the VIP live in; absent means not stated. */
  nodeCidr: CidrText.optional(),
  clusterDomain: DnsName.default('cluster.local'),
  /** Underlay MTU, 0 for automatic (Cilium subtracts its own overhead). */
  mtu: z.int().min(0).max(9_216).default(0),
});

/**
 * One CiliumNetworkPolicy that keeps a group of pods to itself: they reach each other, and beyond that only what is
 * allowed here. A policy on egress cuts DNS and the Kubernetes API unless they are named (Cilium docs security/policy),
 * so both are allowed unless somebody says otherwise.
 */
export const SegmentPolicy = z.strictObject({
  name: ObjectName,
  namespace: ObjectName,
  /** Pods with all of these labels; none means every pod of the namespace. */
  podLabels: Labels.default({}),
  /** Namespaces whose pods with the same labels belong to the group too. */
  otherNamespaces: z.array(ObjectName).max(100).default([]),
  allowDns: z.boolean().default(true),
  allowApiServer: z.boolean().default(true),
  /** Egress to addresses outside the cluster. */
  allowWorld: z.boolean().default(false),
});
export type SegmentPolicy = z.infer<typeof SegmentPolicy>;

export const Cilium = z.strictObject({
  kubeProxyReplacement: z.boolean().default(true),
  bpfMasquerade: z.boolean().default(true),
  loadBalancingMode: z.enum(['snat', 'dsr']).default('snat'),
  routing: z.enum(['tunnel', 'native']).default('tunnel'),
  tunnelProtocol: z.enum(['vxlan', 'geneve']).default('vxlan'),
  wireguard: z.boolean().default(false),
  hubble: z
    .strictObject({
      enabled: z.boolean().default(true),
      relay: z.boolean().default(true),
      ui: z.boolean().default(false),
      metrics: z
        .array(
          Line(500).regex(
            /^[a-zA-Z0-9-]+(:.*)?$/,
            'not a Hubble metric such as dns or httpV2:labelsContext=…',
          ),
        )
        .max(50)
        .default(['dns', 'drop', 'tcp', 'flow', 'port-distribution', 'icmp']),
    })
    .prefault({}),
  policyEnforcement: z.enum(['default', 'always', 'never']).default('default'),
  policies: z.array(SegmentPolicy).max(200).default([]),
  /** Absent: 2, or 1 where the cluster has one node (anti-affinity would leave one Pending). */
  operatorReplicas: z.int().min(1).max(5).optional(),
  prometheus: z.boolean().default(false),
});

export const Edge = z.strictObject({
  tailscale: z
    .strictObject({
      enabled: z.boolean().default(false),
      authKey: SecretRef.optional(),
      tags: z
        .array(z.string().regex(/^tag:[a-z0-9-]{1,63}$/, 'not a tag such as tag:edge'))
        .max(50)
        .default([]),
    })
    .prefault({}),
  registryMirrors: z
    .array(
      z.strictObject({
        /** Host with an optional port, or `*` for every registry. */
        registry: z
          .string()
          .regex(/^(\*|[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?)$/, 'not a registry such as docker.io'),
        endpoints: z.array(HttpUrl).min(1, 'at least one endpoint').max(20),
      }),
    )
    .max(100)
    .default([]),
  embeddedRegistry: z.boolean().default(false),
  /** Slower timers for links that come and go; values in `edge-timers.ts`, constraints in `lib/rules`. */
  relaxedTimers: z.boolean().default(false),
  apiCompression: z.boolean().default(true),
  trafficShaping: z
    .strictObject({
      enabled: z.boolean().default(false),
      uplinkKbit: z.int().min(64).max(100_000_000).optional(),
      /** Absent: the interface of the default route. */
      interface: InterfaceName.optional(),
    })
    .prefault({}),
  localPathStorage: z.boolean().default(false),
  /** Where local-path storage keeps volumes on each node; an SSD is best mounted here. */
  localPathDirectory: AbsolutePath.default('/opt/local-path-provisioner'),
});

export const Security = z.strictObject({
  /** Names and addresses in the serving certificate beyond those of nodes, VIP and DNS, which are always in. */
  extraSans: z.array(Host).max(200).default([]),
  cisProfile: z.boolean().default(false),
  secretsEncryption: z.enum(['aescbc', 'secretbox']).default('aescbc'),
  /** Join tokens: made by the control plane, sealed, referenced by id and version only. */
  serverToken: SecretRef.optional(),
  agentToken: SecretRef.optional(),
  firewall: z.enum(['none', 'nftables']).default('none'),
});

export const Etcd = z.strictObject({
  snapshots: z
    .strictObject({
      enabled: z.boolean().default(true),
      schedule: Line(64).min(1).default('0 */12 * * *'),
      retention: z.int().min(1).max(1_000).default(5),
      s3: z
        .strictObject({
          endpoint: Host,
          bucket: Line(63).min(3),
          region: Line(63).min(1).default('us-east-1'),
          folder: Line(500).default(''),
          accessKey: SecretRef.optional(),
          secretKey: SecretRef.optional(),
        })
        .optional(),
    })
    .prefault({}),
  exposeMetrics: z.boolean().default(false),
  /** Milliseconds; absent means RKE2's own 500 and 5000. */
  heartbeatIntervalMs: z.int().min(50).max(50_000).optional(),
  electionTimeoutMs: z.int().min(250).max(50_000).optional(),
});

/** Free text of several lines; line ends become `\\n`, other control characters and overrides of direction are refused. */
const Notes = z
  .string()
  .max(20_000)
  .overwrite((text) => text.replace(/\r\n?/g, '\n'))
  .regex(
    /^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]*$/u,
    'no control characters or overrides of direction',
  );

/**
 * The desired architecture of one site. Every field has a default: a pattern and a list of hosts is a complete
 * topology. `schemaVersion` grows with each incompatible change; `parse-topology.ts` refuses others by name.
 */
export const Topology = z.strictObject({
  schemaVersion: z.literal(1).default(1),
  pattern: Pattern,
  rke2: Rke2.prefault({}),
  nodes: z.array(TopologyNode).max(MAX_NODES).default([]),
  registration: Registration.prefault({}),
  network: Network.prefault({}),
  cilium: Cilium.prefault({}),
  edge: Edge.prefault({}),
  security: Security.prefault({}),
  etcd: Etcd.prefault({}),
  notes: Notes.default(''),
});
export type Topology = z.infer<typeof Topology>;
/** What a person or a file may leave out. */
export type TopologyInput = z.input<typeof Topology>;
