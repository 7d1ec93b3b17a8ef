import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { NodeId } from '@/lib/core/ids';
import { arbitraryTopology } from '@/lib/testing/arbitrary-topology';
import { edgeSite, TAILNET_KEY } from '@/lib/testing/edge-site';
import { exampleLayout, oneServer, SERVER_TOKEN } from '@/lib/testing/example-layout';
import { findRegistrationAddress } from '@/lib/topology/registration';
import { Topology } from '@/lib/topology/topology';
import { AUDIT_POLICY_PATH, ETCD_USER_PATH } from './cis-files';
import { CILIUM_CONFIG_PATH } from './cilium-config';
import { LOCAL_PATH_STORAGE_PATH } from './local-path-storage';
import { MANAGED_HEADER } from './managed-header';
import { renderEveryFile } from './render-every-file';
import { renderNode } from './render-node';
import { RKE2_CONFIG_PATH } from './rke2-config';
import { findSecretSlots } from './secret-slot';
import { toDropInPath } from './service-drop-ins';
import { TAILNET_GUARD_PATH, TAILSCALE_JOIN_PATH, TAILSCALE_KEY_PATH } from './tailscale';
import { SHAPING_PATH, SHAPING_UNIT_PATH } from './traffic-shaping';

const id = (name: string) => NodeId.parse(`n-${name}`);
const pathsOf = (topology: Topology, name: string) =>
  renderEveryFile(topology, id(name)).map(({ path }) => path);
const contentOf = (topology: Topology, name: string, path: string) =>
  renderEveryFile(topology, id(name)).find((file) => file.path === path)?.content ?? '';

/** Any topology, with what is off by default switched on and off too. */
const arbitrarySite: fc.Arbitrary<Topology> = fc
  .record({
    topology: arbitraryTopology,
    firewall: fc.constantFrom('none' as const, 'nftables' as const),
    enabled: fc.boolean(),
    authKey: fc.constantFrom(undefined, TAILNET_KEY),
    tags: fc.subarray(['tag:edge', 'tag:rke2']),
    shapes: fc.boolean(),
    uplinkKbit: fc.integer({ min: 64, max: 1_000_000 }),
    device: fc.constantFrom(undefined, 'eth0', '-x', '..'),
    localPathStorage: fc.boolean(),
  })
  .map(({ topology, firewall, enabled, authKey, tags, shapes, uplinkKbit, device, localPathStorage }) =>
    Topology.parse({
      ...topology,
      security: { ...topology.security, firewall },
      edge: {
        ...topology.edge,
        tailscale: { enabled, authKey, tags },
        trafficShaping: { enabled: shapes, uplinkKbit, interface: device },
        localPathStorage,
      },
    }),
  );

describe('the files that no plan places yet', () => {
  it('stand after those of the plan, each with its reason, and no path stands twice', () => {
    for (const topology of [
      exampleLayout({ security: { serverToken: SERVER_TOKEN, firewall: 'nftables' } }),
      edgeSite(),
    ]) {
      for (const node of topology.nodes) {
        const files = renderEveryFile(topology, node.id);
        const planned = files.filter(({ appliedBy }) => appliedBy === 'plan');
        expect(planned).toEqual(
          renderNode(topology, node.id).map((file) => ({ ...file, appliedBy: 'plan' })),
        );
        expect(files.slice(0, planned.length)).toEqual(planned);
        expect(files.length).toBeGreaterThan(planned.length);
        for (const file of files) if (file.appliedBy === 'later') expect(file.reason).toMatch(/^[A-Z].+\.$/);
        expect(new Set(files.map(({ path }) => path)).size).toBe(files.length);
      }
    }
  });

  it('are refused for a node that is not there', () => {
    expect(() => renderEveryFile(oneServer(), id('nobody'))).toThrow('no node with the id');
  });
});

describe('an edge site', () => {
  it('has its node addresses on the tailnet and joins there', () => {
    expect(parse(contentOf(edgeSite(), 's1', RKE2_CONFIG_PATH))).toMatchObject({ 'node-ip': '100.64.1.10' });
    const agent = parse(contentOf(edgeSite(), 'a1', RKE2_CONFIG_PATH)) as Record<string, unknown>;
    expect(agent).toMatchObject({ 'node-ip': '100.64.1.13', server: 'https://100.64.1.10:9345' });
    for (const name of ['s1', 'a1'])
      expect(contentOf(edgeSite(), name, RKE2_CONFIG_PATH)).not.toMatch(/node-external-ip|vpn-auth|flannel/);
  });

  it('runs one Cilium operator, also where nobody says so', () => {
    const { cilium } = edgeSite();
    const silent = edgeSite({ cilium: { ...cilium, operatorReplicas: undefined } });
    expect(contentOf(silent, 's1', CILIUM_CONFIG_PATH)).toContain('    operator:\n      replicas: 1\n');
  });

  it('joins the tailnet with a key that stands in a file of its own, as a slot', () => {
    const files = renderEveryFile(edgeSite(), id('a1'));
    const holders = files.filter(({ content }) =>
      findSecretSlots(content).some((slot) => slot.id === TAILNET_KEY.id),
    );
    expect(holders).toMatchObject([
      {
        path: TAILSCALE_KEY_PATH,
        mode: '0600',
        content: '⟦secret sec-tailnet v1⟧\n',
        secrets: [TAILNET_KEY],
      },
    ]);
    expect(contentOf(edgeSite(), 'a1', TAILSCALE_JOIN_PATH)).toContain(
      `tailscale up "--auth-key=file:${TAILSCALE_KEY_PATH}"`,
    );
  });

  it('keeps Tailscale off Cilium’s interfaces even where a person signs the node in', () => {
    const byHand = edgeSite({ edge: { tailscale: { enabled: true } } });
    expect(pathsOf(byHand, 's1')).toContain(TAILNET_GUARD_PATH);
    expect(pathsOf(byHand, 's1')).not.toContain(TAILSCALE_KEY_PATH);
    expect(pathsOf(byHand, 's1')).not.toContain(TAILSCALE_JOIN_PATH);
    expect(pathsOf(edgeSite({ edge: {} }), 's1').filter((path) => /tailscale|tailnet/.test(path))).toEqual(
      [],
    );
  });

  it('starts RKE2 after Tailscale, once its own address is on the host', () => {
    const dropIn = contentOf(edgeSite(), 'a1', toDropInPath('rke2-agent.service'));
    expect(dropIn).toContain(
      '\nWants=tailscaled.service\nAfter=tailscaled.service siteplan-tailscale.service\n',
    );
    expect(dropIn).toContain('ip -4 -o address show to 100.64.1.13 ');
    expect(contentOf(exampleLayout(), 's1', toDropInPath('rke2-server.service'))).not.toMatch(
      /tailscale|ExecStartPre/,
    );
  });

  it('puts the control plane first on the tailnet, a little below the line’s rate', () => {
    const script = contentOf(edgeSite(), 's1', SHAPING_PATH);
    expect(script).toContain(
      "sp_all='1900'\nsp_control='760'\nsp_device='tailscale0'\nsp_local=''\nsp_ports='22 2379 2380 4240 6443 9345 10250'\nsp_rest='1140'\n",
    );
    expect(contentOf(edgeSite(), 's1', SHAPING_UNIT_PATH)).toContain(
      'WantedBy=sys-subsystem-net-devices-tailscale0.device\n',
    );
  });

  it('shapes the uplink that somebody names, or the default route, and leaves the site’s own network fast', () => {
    const trafficShaping = { enabled: true, uplinkKbit: 1_000 };
    const network = { nodeCidr: '192.0.2.0/24' };
    const byRoute = oneServer({ edge: { trafficShaping }, network });
    expect(contentOf(byRoute, 'one', SHAPING_PATH)).toContain("sp_device=''\nsp_local='192.0.2.0/24'\n");
    const named = oneServer({ edge: { trafficShaping: { ...trafficShaping, interface: 'wwan0' } } });
    expect(contentOf(named, 'one', SHAPING_PATH)).toContain("sp_device='wwan0'\nsp_local=''\n");
    expect(contentOf(named, 'one', SHAPING_UNIT_PATH)).toContain('WantedBy=multi-user.target\n');
  });

  it('shapes nothing without the rate, which a rule asks for', () => {
    expect(pathsOf(oneServer({ edge: { trafficShaping: { enabled: true } } }), 'one')).not.toContain(
      SHAPING_PATH,
    );
  });
});

describe('local storage', () => {
  it('is a storage class on the nodes’ disks, on servers only, in a namespace that may use them', () => {
    const { edge } = edgeSite();
    const topology = edgeSite({ edge: { ...edge, localPathDirectory: '/mnt/ssd' } });
    const documents = parseAllDocuments(contentOf(topology, 's1', LOCAL_PATH_STORAGE_PATH)).map(
      (document) => document.toJS() as { kind: string; data?: Record<string, string> },
    );
    const byKind = new Map(documents.map((document) => [document.kind, document]));
    expect(byKind.get('StorageClass')).toMatchObject({ provisioner: 'rancher.io/local-path' });
    expect(byKind.get('Namespace')).toMatchObject({
      metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
    });
    const data = byKind.get('ConfigMap')?.data ?? {};
    expect(JSON.parse(data['config.json'] ?? '')).toEqual({
      nodePathMap: [{ node: 'DEFAULT_PATH_FOR_NON_LISTED_NODES', paths: ['/mnt/ssd'] }],
    });
    expect(parse(data['helperPod.yaml'] ?? '')).toMatchObject({ kind: 'Pod' });
    expect(pathsOf(topology, 'a1')).not.toContain(LOCAL_PATH_STORAGE_PATH);
    expect(pathsOf(exampleLayout(), 's1')).not.toContain(LOCAL_PATH_STORAGE_PATH);
  });
});

describe('the CIS profile', () => {
  it('brings the user etcd and an audit policy that logs who did what, to servers only', () => {
    expect(contentOf(edgeSite(), 's1', ETCD_USER_PATH)).toBe(
      `${MANAGED_HEADER}u etcd - "etcd user" - /usr/sbin/nologin\n`,
    );
    const policy = parse(contentOf(edgeSite(), 's1', AUDIT_POLICY_PATH)) as { rules: { level: string }[] };
    expect(policy.rules.at(-1)).toEqual({ level: 'Metadata' });
    expect(policy.rules.map(({ level }) => level)).not.toContain('Request');
    for (const path of [ETCD_USER_PATH, AUDIT_POLICY_PATH]) {
      expect(pathsOf(edgeSite(), 'a1')).not.toContain(path);
      expect(pathsOf(exampleLayout(), 's1')).not.toContain(path);
    }
  });
});

describe('load balancers', () => {
  it('come back after a crash, and take the virtual IP only after nginx', () => {
    expect(contentOf(exampleLayout(), 'lb1', toDropInPath('nginx.service'))).toContain(
      '\nRestart=on-failure\n',
    );
    expect(contentOf(exampleLayout(), 'lb1', toDropInPath('keepalived.service'))).toContain(
      '\nAfter=nginx.service\n',
    );
    const external = exampleLayout({
      registration: { ...exampleLayout().registration, loadBalancer: 'external' },
    });
    expect(pathsOf(external, 'lb1')).toEqual([]);
  });
});

/** What a line may be in a format that is not YAML; a value that broke out of its place would make another one. */
const LINES: readonly (readonly [RegExp, RegExp])[] = [
  [
    /\.nft$/,
    /^(|#.*|(delete )?table inet \w+( \{)?|\}|  (set|chain) \w+ \{|  \}|    # [^{}]*|    [a-z][^#{};]*(\{[^{}]*\}[^{};]*)?|    type filter hook \w+ priority filter; policy \w+;)$/,
  ],
  [/\.service(\.d\/50-siteplan\.conf)?$/, /^(|#.*|\[(Unit|Service|Install)\]|[A-Z][A-Za-z]+=.+)$/],
  [
    /\/nginx\//,
    /^(|#.*|stream \{|  upstream \w+ \{|  server \{|    [a-z_]+( [^;{}]+)?;( # [a-z0-9-]+)?|  \}|\})$/,
  ],
  [
    /\/keepalived\//,
    /^(|#.*|[a-z_]+( \w+)? \{|  [a-z_]+( [^{}]+)?|  [a-z_]+ \{|    [0-9./]+|    \w+|  \}|\})$/,
  ],
];

describe('every file of any site, whoever places it', () => {
  it('has the same bytes again, a line end at its end, and slots exactly where it lists them', () => {
    fc.assert(
      fc.property(arbitrarySite, (topology) => {
        expect(filesOf(Topology.parse(JSON.parse(JSON.stringify(topology))))).toEqual(filesOf(topology));
        for (const { content, secrets } of filesOf(topology)) {
          expect(content.endsWith('\n') && !content.endsWith('\n\n')).toBe(true);
          const slots = new Set(findSecretSlots(content).map((slot) => `${slot.id} ${slot.version}`));
          expect(slots).toEqual(new Set(secrets.map((ref) => `${ref.id} ${ref.version}`)));
        }
      }),
    );
  });

  it('keeps every value inside its place', () => {
    fc.assert(
      fc.property(arbitrarySite, (topology) => {
        for (const { path, content } of filesOf(topology)) {
          const grammar =
            path.includes('keepalived.conf') || path.includes('nginx/')
              ? undefined
              : LINES.find(([files]) => files.test(path))?.[1];
          if (grammar) expect(content.split('\n').filter((line) => !grammar.test(line))).toEqual([]);
          if (path.endsWith('.sh')) {
            const [, ...lines] = content.split('\n');
            const end = lines.indexOf('set -eu');
            expect(lines.slice(0, end).filter((line) => !/^sp_[a-z]+='[^'\\]*'$/.test(line))).toEqual([]);
            expect(end).toBeGreaterThan(0);
          }
          if (path.endsWith('.yaml') || path.includes('kubelet.conf.d')) {
            for (const document of parseAllDocuments(content)) expect(document.errors).toEqual([]);
          }
        }
      }),
    );
  });

  it('has nothing of the topology in a script but quoted values at its head', () => {
    const bodyOf = (topology: Topology, path: string) =>
      topology.nodes.map(({ name }) => contentOf(topology, name, path).split('set -eu\n')[1]);
    const other = edgeSite({
      edge: {
        tailscale: { enabled: true, authKey: TAILNET_KEY },
        trafficShaping: { enabled: true, uplinkKbit: 64, interface: 'x' },
      },
    });
    for (const path of [TAILSCALE_JOIN_PATH, SHAPING_PATH]) {
      expect(new Set([...bodyOf(edgeSite(), path), ...bodyOf(other, path)]).size).toBe(1);
    }
  });
});

/** Files of all nodes; none where the document lacks what they need. */
function filesOf(topology: Topology) {
  if (findRegistrationAddress(topology) === null) return [];
  return topology.nodes.flatMap(({ id: nodeId }) => renderEveryFile(topology, nodeId));
}
