import fc from 'fast-check';
import { toIpv4Text } from '@/lib/core/cidr';
import { Topology } from '@/lib/topology/topology';

const ipv4 = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(toIpv4Text);
const cidr = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 1, max: 32 }))
  .map(([base, prefix]) => {
    const size = 2 ** (32 - prefix);
    return `${toIpv4Text(Math.floor(base / size) * size)}/${prefix}`;
  });
const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
/** Words that YAML readers take for something else, and letters that files take for structure. */
const oddWord = fc.constantFrom(
  'on',
  'no',
  'null',
  '0600',
  '1e3',
  '12:30:45',
  '2020-01-01',
  '~',
  '#',
  '- a',
  'a: b',
  '"',
  "'",
  '%',
  '&a',
  '*a',
  '!x',
  '|',
);
const line = fc
  .oneof(oddWord, fc.string({ unit: 'grapheme', maxLength: 40 }))
  .filter((text) =>
    /^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff⟦⟧]*$/u.test(
      text,
    ),
  );
const secretRef = fc.record({
  id: label.map((text) => `sec-${text}`),
  version: fc.integer({ min: 1, max: 99 }),
});
const argument = fc
  .tuple(label, line)
  .filter(([, value]) => value !== '')
  .map(([flag, value]) => `a${flag}=${value}`);
const taint = fc.record({ key: label, value: label, effect: fc.constantFrom('NoSchedule', 'NoExecute') });
const optional = { requiredKeys: [] as [] };

const node = fc.record(
  {
    id: fc.uuid().map((id) => `n-${id}`),
    name: label,
    role: fc.constantFrom('server', 'agent', 'lb'),
    internalIp: ipv4,
    externalIp: ipv4,
    ssh: fc.record(
      { address: label, port: fc.integer({ min: 1, max: 65_535 }), user: fc.constant('ubuntu') },
      optional,
    ),
    arch: fc.constantFrom('amd64', 'arm64'),
    os: line,
    zone: line,
    labels: fc.dictionary(
      fc.oneof(
        label,
        label.map((text) => `example.com/${text}`),
      ),
      label,
      { maxKeys: 4 },
    ),
    taints: fc.array(taint, { maxLength: 2 }),
    hardware: fc.record(
      {
        cpus: fc.integer({ min: 1, max: 64 }),
        memoryGiB: fc.integer({ min: 1, max: 512 }),
        diskGiB: fc.integer({ min: 1, max: 4_000 }),
        diskKind: fc.constantFrom('ssd', 'hdd'),
        linkMbit: fc.constantFrom(10, 100, 1_000, 10_000),
      },
      optional,
    ),
    position: fc.record({
      x: fc.integer(),
      y: fc.double({ noNaN: true, noDefaultInfinity: true }).map((y) => y + 0),
    }),
  },
  { requiredKeys: ['id', 'name', 'role', 'internalIp'] },
);

const policy = fc.record(
  {
    name: label,
    namespace: label,
    podLabels: fc.dictionary(label, label, { maxKeys: 2 }),
    otherNamespaces: fc.array(label, { maxLength: 2 }),
    allowDns: fc.boolean(),
    allowApiServer: fc.boolean(),
    allowWorld: fc.boolean(),
  },
  { requiredKeys: ['name', 'namespace'] },
);

const s3 = fc.record(
  {
    endpoint: label,
    bucket: fc.constant('backups'),
    region: fc.constant('eu-1'),
    folder: line,
    accessKey: secretRef,
    secretKey: secretRef,
  },
  { requiredKeys: ['endpoint', 'bucket'] },
);

const input = fc.record(
  {
    pattern: fc.constantFrom('ha', 'edge', 'custom'),
    nodes: fc.uniqueArray(node, { maxLength: 6, selector: ({ id }) => id }),
    rke2: fc.record(
      {
        ingressController: fc.constantFrom('none', 'traefik'),
        disable: fc.subarray(['rke2-metrics-server', 'rke2-coredns']),
        serverArgs: fc.record(
          {
            kubeApiserver: fc.array(argument, { maxLength: 3 }),
            kubelet: fc.array(argument, { maxLength: 3 }),
          },
          optional,
        ),
      },
      optional,
    ),
    registration: fc.record({
      loadBalancer: fc.constantFrom('none', 'managed', 'external'),
      interface: fc.constantFrom('eth0', 'bond0.7'),
      virtualRouterId: fc.integer({ min: 1, max: 255 }),
      via: fc.constantFrom('server', 'vip', 'dns'),
      vip: ipv4,
      dnsName: fc.constant('api.example.net'),
    }),
    network: fc.record(
      { clusterCidr: cidr, serviceCidr: cidr, nodeCidr: cidr, mtu: fc.integer({ min: 0, max: 9216 }) },
      optional,
    ),
    cilium: fc.record(
      {
        kubeProxyReplacement: fc.boolean(),
        routing: fc.constantFrom('tunnel', 'native'),
        loadBalancingMode: fc.constantFrom('snat', 'dsr'),
        wireguard: fc.boolean(),
        policies: fc.array(policy, { maxLength: 2 }),
        hubble: fc.record(
          { enabled: fc.boolean(), ui: fc.boolean(), metrics: fc.subarray(['dns', 'drop', 'httpV2:x=a, b']) },
          optional,
        ),
        operatorReplicas: fc.integer({ min: 1, max: 5 }),
      },
      optional,
    ),
    edge: fc.record(
      {
        relaxedTimers: fc.boolean(),
        apiCompression: fc.boolean(),
        embeddedRegistry: fc.boolean(),
        registryMirrors: fc.array(
          fc.record({
            registry: fc.constantFrom('*', 'docker.io', 'quay.io'),
            endpoints: fc.constant(['https://reg.example.net:5000']),
          }),
          { maxLength: 3 },
        ),
      },
      optional,
    ),
    security: fc.record(
      {
        serverToken: secretRef,
        agentToken: secretRef,
        cisProfile: fc.boolean(),
        extraSans: fc.array(label, { maxLength: 3 }),
      },
      { requiredKeys: ['serverToken'] },
    ),
    etcd: fc.record(
      {
        snapshots: fc.record(
          { enabled: fc.boolean(), retention: fc.integer({ min: 1, max: 99 }), s3 },
          optional,
        ),
        heartbeatIntervalMs: fc.integer({ min: 50, max: 1000 }),
      },
      optional,
    ),
    notes: fc
      .string({ unit: 'grapheme', maxLength: 200 })
      .map((text) => text.replace(/[\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g, '')),
  },
  { requiredKeys: ['pattern', 'nodes', 'registration', 'security'] },
);

/** Valid topologies with odd but allowed text in every field; they need not make sense. */
export const arbitraryTopology: fc.Arbitrary<Topology> = input.map((value) => Topology.parse(value));
