import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { NodeId } from '@/lib/core/ids';
import { arbitraryTopology } from '@/lib/testing/arbitrary-topology';
import { edgeSite } from '@/lib/testing/edge-site';
import { AGENT_TOKEN, exampleLayout, oneServer, SERVER_TOKEN } from '@/lib/testing/example-layout';
import { findRegistrationAddress } from '@/lib/topology/registration';
import { Topology } from '@/lib/topology/topology';
import { CILIUM_CONFIG_PATH, toCiliumValues } from './cilium-config';
import { KUBELET_DROP_IN_PATH } from './kubelet-drop-in';
import { REGISTRIES_PATH } from './registries';
import { renderEveryFile } from './render-every-file';
import { renderNode } from './render-node';
import type { RenderedFile } from './rendered-file';
import { RKE2_CONFIG_PATH } from './rke2-config';
import { RKE2_KEYS } from './rke2-keys';
import { findSecretSlots } from './secret-slot';

const id = (name: string) => NodeId.parse(`n-${name}`);
const Config = z.record(z.string(), z.unknown());

function fileOf(topology: Topology, name: string, path: string): RenderedFile {
  const file = renderNode(topology, id(name)).find((candidate) => candidate.path === path);
  if (!file) throw new Error(`${name} has no ${path}`);
  return file;
}

function configOf(topology: Topology, name: string) {
  return Config.parse(parse(fileOf(topology, name, RKE2_CONFIG_PATH).content));
}

/** All files of a topology as one text for review. */
function toListing(topology: Topology): string {
  return topology.nodes
    .flatMap(({ id: nodeId, name }) =>
      renderEveryFile(topology, nodeId).map((file) => {
        const { path, mode, owner, group, content, secrets, readBy, onlyWithUnit, purpose } = file;
        return [
          `=== ${name} ${path}`,
          `--- ${mode} ${owner}:${group}; ${purpose}`,
          `--- read at start by: ${readBy.join(', ') || 'nobody'}; only with: ${onlyWithUnit ?? 'any host'}; secrets: ${secrets.length}`,
          ...(file.appliedBy === 'later' ? [`--- applied later: ${file.reason}`] : []),
          content,
        ].join('\n');
      }),
    )
    .join('\n');
}

describe('golden files', () => {
  it('of the pattern custom with one server', async () => {
    await expect(toListing(oneServer())).toMatchFileSnapshot('./__golden__/one-server.txt');
  });

  it('of an edge site with all of its adaptations', async () => {
    await expect(toListing(edgeSite())).toMatchFileSnapshot('./__golden__/edge-site.txt');
  });

  it('of the example layout', async () => {
    await expect(toListing(exampleLayout())).toMatchFileSnapshot('./__golden__/example-layout.txt');
  });
});

describe('config.yaml', () => {
  it('on the first server starts a cluster, which other servers join there and agents by the fixed address', () => {
    expect(configOf(exampleLayout(), 's1')).not.toHaveProperty('server');
    expect(configOf(exampleLayout(), 's2').server).toBe('https://192.168.10.10:9345');
    expect(configOf(exampleLayout(), 'a1').server).toBe('https://192.168.10.5:9345');
  });

  it('is the same on all servers but for what is a node’s own', () => {
    const own = new Set([
      'server',
      'token',
      'node-name',
      'node-ip',
      'node-external-ip',
      'advertise-address',
      'node-label',
      'node-taint',
    ]);
    const common = (name: string) =>
      Object.entries(configOf(exampleLayout(), name)).filter(([key]) => !own.has(key));
    for (const name of ['s2', 's3']) expect(common(name)).toEqual(common('s1'));
  });

  it('never advertises an external address: LAN agents would dial the tailnet', () => {
    const config = configOf(exampleLayout(), 's1');
    expect(config).toMatchObject({
      'node-ip': '192.168.10.10',
      'node-external-ip': '100.64.1.10',
      'advertise-address': '192.168.10.10',
    });
    expect(config['tls-san']).toEqual(
      expect.arrayContaining(['192.168.10.10', '100.64.1.10', '192.168.10.5', 'lb.example.com', 'lb1']),
    );
    expect(configOf(oneServer(), 'one')).not.toHaveProperty('advertise-address');
  });

  it('joins agents with the agents’ token, or the servers’ where there is no other', () => {
    const slotsOf = (topology: Topology, name: string) =>
      findSecretSlots(fileOf(topology, name, RKE2_CONFIG_PATH).content);
    expect(slotsOf(exampleLayout(), 's1')).toEqual([SERVER_TOKEN, AGENT_TOKEN]);
    expect(slotsOf(exampleLayout(), 'a1')).toEqual([AGENT_TOKEN]);
    expect(slotsOf(exampleLayout({ security: { serverToken: SERVER_TOKEN } }), 'a1')).toEqual([SERVER_TOKEN]);
  });

  it('cannot be made without a server token or an address to join', () => {
    expect(() => renderNode(oneServer({ security: {} }), id('one'))).toThrow(
      'names no server token, so one has nothing to join with',
    );
    const topology = exampleLayout({ registration: { via: 'vip' } });
    expect(() => renderNode(topology, id('a1'))).toThrow('registration.vip is empty');
    expect(() => renderNode(topology, id('nobody'))).toThrow('no node with the id n-nobody');
  });

  it('turns settings into keys', () => {
    const config = configOf(
      oneServer({
        rke2: {
          disable: ['rke2-metrics-server', 'rke2-coredns'],
          ingressController: 'traefik',
          serverArgs: { kubelet: ['max-pods=200'] },
        },
        security: { serverToken: SERVER_TOKEN, cisProfile: true, secretsEncryption: 'secretbox' },
        etcd: { exposeMetrics: true, heartbeatIntervalMs: 300, snapshots: { enabled: false } },
        edge: { relaxedTimers: true, apiCompression: false, embeddedRegistry: true },
        cilium: { kubeProxyReplacement: false, bpfMasquerade: false },
      }),
      'one',
    );
    expect(config).toMatchObject({
      disable: ['rke2-coredns', 'rke2-metrics-server'],
      'ingress-controller': 'traefik',
      'kubelet-arg': ['max-pods=200'],
      profile: 'cis',
      'secrets-encryption-provider': 'secretbox',
      'etcd-expose-metrics': true,
      'etcd-disable-snapshots': true,
      'etcd-arg': ['heartbeat-interval=300'],
      'embedded-registry': true,
      'disable-kube-proxy': false,
      'write-kubeconfig-mode': '0600',
    });
    expect(config['kube-apiserver-arg']).toEqual([
      'default-not-ready-toleration-seconds=1800',
      'default-unreachable-toleration-seconds=1800',
      'feature-gates=APIResponseCompression=false',
    ]);
    expect(config).not.toHaveProperty('etcd-snapshot-retention');
  });

  it('lets the document’s own arguments win over the edge timers', () => {
    const topology = oneServer({
      edge: { relaxedTimers: true },
      rke2: { serverArgs: { kubeControllerManager: ['node-monitor-grace-period=90s'] } },
    });
    const all = configOf(topology, 'one')['kube-controller-manager-arg'] as string[];
    expect(all.filter((argument) => argument.startsWith('node-monitor-grace-period'))).toEqual([
      'node-monitor-grace-period=90s',
    ]);
    expect(all).toContain('leader-elect-lease-duration=60s');
  });

  it('sends snapshots to S3 with keys as slots', () => {
    const ref = { id: 'sec-s3', version: 3 };
    const topology = oneServer({
      etcd: {
        snapshots: {
          s3: {
            endpoint: 's3.example.net',
            bucket: 'etcd',
            folder: 'site one',
            accessKey: ref,
            secretKey: { ...ref, version: 4 },
          },
        },
      },
    });
    const file = fileOf(topology, 'one', RKE2_CONFIG_PATH);
    expect(parse(file.content)).toMatchObject({
      'etcd-s3': true,
      'etcd-s3-folder': 'site one',
      'etcd-s3-secret-key': '⟦secret sec-s3 v4⟧',
    });
    expect(file.secrets).toHaveLength(3);
  });

  it('holds only keys that RKE2 knows for the role', () => {
    fc.assert(
      fc.property(arbitraryTopology, (topology) => {
        for (const { file, role } of filesOf(topology)) {
          if (file.path !== RKE2_CONFIG_PATH || role === 'lb') continue;
          const known: readonly string[] = RKE2_KEYS[role];
          expect(
            Object.keys(Config.parse(parse(file.content))).filter((key) => !known.includes(key)),
          ).toEqual([]);
        }
      }),
    );
  });
});

describe('the key allow-list', () => {
  it('gives agents a part of what servers take, and nothing that only K3s has', () => {
    const server: readonly string[] = RKE2_KEYS.server;
    expect(RKE2_KEYS.agent.every((key) => server.includes(key))).toBe(true);
    expect(new Set(server).size).toBe(server.length);
    for (const key of ['cni', 'tls-san', 'disable-kube-proxy', 'agent-token'])
      expect(RKE2_KEYS.agent).not.toContain(key);
    for (const key of ['cluster-init', 'vpn-auth', 'flannel-backend', 'cluster-reset', 'secrets-encryption'])
      expect(server).not.toContain(key);
  });
});

describe('the Cilium values', () => {
  const valuesOf = (topology: Topology) => {
    const config = z
      .object({ spec: z.object({ valuesContent: z.string() }) })
      .parse(parse(fileOf(topology, topology.nodes[0]?.name ?? '', CILIUM_CONFIG_PATH).content));
    return parse(config.spec.valuesContent) as unknown;
  };

  it('name where the API is when kube-proxy is replaced', () => {
    expect(valuesOf(oneServer())).toMatchObject({
      kubeProxyReplacement: true,
      k8sServiceHost: '127.0.0.1',
      k8sServicePort: '6443',
    });
    expect(valuesOf(oneServer({ cilium: { kubeProxyReplacement: false } }))).not.toHaveProperty(
      'k8sServiceHost',
    );
  });

  it('ask for one operator replica on one node', () => {
    expect(valuesOf(oneServer())).toMatchObject({ operator: { replicas: 1 } });
    expect(valuesOf(exampleLayout())).toMatchObject({ operator: { replicas: 2 } });
  });

  it('switch Hubble on, because RKE2 ships it off', () => {
    expect(valuesOf(exampleLayout())).toMatchObject({
      hubble: { enabled: true, relay: { enabled: true }, ui: { enabled: true } },
    });
    expect(valuesOf(exampleLayout({ cilium: { hubble: { enabled: false } } }))).toMatchObject({
      hubble: { enabled: false },
    });
  });

  it('know routing, encryption, DSR and MTU', () => {
    expect(
      valuesOf(
        exampleLayout({
          cilium: { routing: 'native', wireguard: true, loadBalancingMode: 'dsr' },
          network: { mtu: 9000 },
        }),
      ),
    ).toMatchObject({
      routingMode: 'native',
      autoDirectNodeRoutes: true,
      ipv4NativeRoutingCIDR: '10.42.0.0/16',
      encryption: { enabled: true, type: 'wireguard' },
      loadBalancer: { mode: 'dsr', dsrDispatch: 'opt' },
      MTU: 9000,
    });
    expect(
      valuesOf(exampleLayout({ cilium: { tunnelProtocol: 'geneve', loadBalancingMode: 'dsr' } })),
    ).toMatchObject({
      tunnelProtocol: 'geneve',
      loadBalancer: { mode: 'dsr', dsrDispatch: 'geneve' },
    });
  });

  it('use no value that the chart dropped', () => {
    fc.assert(
      fc.property(arbitraryTopology, (topology) => {
        expect(Object.keys(toCiliumValues(topology))).not.toEqual(expect.arrayContaining(['hostServices']));
        expect(toCiliumValues(topology)).not.toHaveProperty('tunnel');
      }),
    );
  });
});

describe('other files', () => {
  it('follow the settings', () => {
    const topology = oneServer({
      edge: {
        relaxedTimers: true,
        embeddedRegistry: true,
        registryMirrors: [{ registry: 'docker.io', endpoints: ['https://reg.example.net:5000'] }],
      },
      cilium: { wireguard: true, tunnelProtocol: 'geneve' },
      security: { serverToken: SERVER_TOKEN, cisProfile: true },
    });
    expect(parse(fileOf(topology, 'one', REGISTRIES_PATH).content)).toEqual({
      mirrors: { '*': {}, 'docker.io': { endpoint: ['https://reg.example.net:5000'] } },
    });
    expect(parse(fileOf(topology, 'one', KUBELET_DROP_IN_PATH).content)).toMatchObject({
      nodeStatusUpdateFrequency: '20s',
    });
    expect(fileOf(topology, 'one', '/etc/modules-load.d/siteplan-rke2.conf').content).toMatch(
      /\ngeneve\nwireguard\n$/,
    );
    expect(fileOf(topology, 'one', '/etc/sysctl.d/90-siteplan-rke2.conf').content).toContain(
      'vm.overcommit_memory = 1\n',
    );
  });

  it('name the unit that has to be there, and the one that has to restart', () => {
    const files = renderNode(exampleLayout(), id('a1'));
    expect(files.filter(({ onlyWithUnit }) => onlyWithUnit).map(({ onlyWithUnit }) => onlyWithUnit)).toEqual([
      'NetworkManager.service',
      'systemd-networkd.service',
    ]);
    expect(files.find(({ path }) => path === RKE2_CONFIG_PATH)?.readBy).toEqual(['rke2-agent.service']);
    expect(files.some(({ path }) => path === CILIUM_CONFIG_PATH)).toBe(false);
  });
});

describe('every file of any topology', () => {
  it('has the same bytes again, also after the database has reordered the document', () => {
    fc.assert(
      fc.property(arbitraryTopology, (topology) => {
        const shuffled = Topology.parse(withReversedMembers(topology));
        expect(filesOf(shuffled)).toEqual(filesOf(topology));
      }),
    );
  });

  it('holds exactly the slots that it lists, whatever people have typed', () => {
    fc.assert(
      fc.property(
        arbitraryTopology,
        fc.constantFrom('⟦secret sec-server v1⟧', '⟦', '⟧'),
        (topology, forged) => {
          const typed = {
            ...topology,
            notes: forged,
            nodes: topology.nodes.map((node) => ({ ...node, zone: forged, os: forged })),
          };
          for (const { file } of filesOf(typed)) {
            const slots = new Set(findSecretSlots(file.content).map((slot) => `${slot.id} ${slot.version}`));
            expect(slots).toEqual(new Set(file.secrets.map((ref) => `${ref.id} ${ref.version}`)));
          }
        },
      ),
    );
  });

  it('refuses slot brackets that got past the schema into a rendered field', () => {
    const topology = oneServer();
    const forged = {
      ...topology,
      rke2: {
        ...topology.rke2,
        serverArgs: { ...topology.rke2.serverArgs, kubelet: ['a=⟦secret sec-server v1⟧'] },
      },
    };
    expect(Topology.safeParse(forged).success).toBe(false);
    expect(() => renderNode(forged, id('one'))).toThrow('brackets of secret slots');
  });

  it('means the same to readers of YAML 1.1 and 1.2', () => {
    fc.assert(
      fc.property(arbitraryTopology, (topology) => {
        for (const { file } of filesOf(topology)) {
          if (!file.path.endsWith('.yaml')) continue;
          expect(parse(file.content, { version: '1.1' })).toEqual(parse(file.content, { version: '1.2' }));
        }
      }),
    );
  });

  it('starts with the line that says whose it is, and ends with a line end', () => {
    for (const { file } of filesOf(exampleLayout({ edge: { relaxedTimers: true } }))) {
      expect(file.content).toMatch(/^# Managed by Siteplan\. [^\n]+\n[\S\s]+[^\n]\n$/);
    }
  });
});

/** Files of all nodes; none where the document lacks what they need, which is its own test. */
function filesOf(topology: Topology) {
  const { loadBalancer, vip, interface: name } = topology.registration;
  const lacksInterface = loadBalancer === 'managed' && vip !== undefined && name === undefined;
  if (findRegistrationAddress(topology) === null || lacksInterface) return [];
  return topology.nodes.flatMap(({ id: nodeId, role }) =>
    renderNode(topology, nodeId).map((file) => ({ file, role })),
  );
}

function withReversedMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withReversedMembers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, withReversedMembers(member)]),
  );
}
