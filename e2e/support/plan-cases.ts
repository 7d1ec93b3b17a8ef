import { sha256Hex } from '@/lib/core/hash';
import { NodeId, SiteId } from '@/lib/core/ids';
import { buildPlan } from '@/lib/plan/build-plan';
import type { PlanKind, PlanStep } from '@/lib/plan/plan';
import { applyPlanToFacts } from '@/lib/testing/apply-plan-to-facts';
import type { TestStep } from '@/lib/testing/ledger-step';
import { makeFacts } from '@/lib/testing/make-facts';
import { toDefaultTopology } from '@/lib/topology/create-topology';
import { Topology } from '@/lib/topology/topology';

/**
 * One plan that the drivers drive on lab hosts. Cases come in order: each begins where the one before it has left the
 * hosts, so a new kind stands where its start is already there (an upgrade after the first apply, say).
 */
export interface PlanCase {
  /** Names the golden file as well. */
  readonly name: string;
  readonly kind: PlanKind;
  /** What the drawing asks for now, made from that of one server. */
  readonly toTopology: (base: Topology) => Topology;
  /** Steps of kinds that no plan for one lab host alone has; in place of a plan. */
  readonly steps?: (host: CaseHost) => readonly TestStep[];
}

export interface CaseHost {
  readonly nodeId: string;
  readonly name: string;
  readonly address: string;
}

/** What the artifact cache of the drivers holds. */
export const SENT_RELEASE = { version: 'v1.35.7+rke2r1', arch: 'arm64' } as const;

const withSan = (base: Topology): Topology =>
  Topology.parse({ ...base, security: { ...base.security, extraSans: ['k8s.example.net'] } });

const withLabels = (base: Topology): Topology =>
  Topology.parse({
    ...withSan(base),
    nodes: base.nodes.map((node) => ({
      ...node,
      labels: { env: 'edge', 'example.com/tier': '' },
      taints: [
        { key: 'example.com/a', value: 'x', effect: 'PreferNoSchedule' },
        { key: 'example.com/b', effect: 'PreferNoSchedule' },
      ],
    })),
  });

/** A lab host has no NetworkManager, the one unit of a server that plans reload; sshd is reloaded in its place. */
const reloadSsh = ({ nodeId }: CaseHost): readonly TestStep[] => [
  {
    nodeId,
    kind: 'service.reload',
    params: { unit: 'ssh.service', stampName: 'ssh.service', stamp: sha256Hex('ssh') },
  },
];

/** The profile's kernel settings belong to the machine around a lab host, so no lab host can be a whole CIS server. */
const makeEtcdUser = ({ nodeId }: CaseHost): readonly TestStep[] => {
  const path = '/etc/sysusers.d/siteplan-etcd.conf';
  const content = 'u etcd - "etcd user" - /usr/sbin/nologin\n';
  const stamp = { stampName: 'sysusers', stamp: sha256Hex(content) };
  const file = { path, mode: '0644', owner: 'root', group: 'root', content, secrets: [], dropsStamps: [] };
  return [
    { nodeId, kind: 'file.put', params: file },
    { nodeId, kind: 'sysusers.apply', params: { path, ...stamp }, dependsOn: [0] },
  ];
};

/** A host alone says all by its last step, so no plan of one host looks at the whole. */
const verifyCluster = ({ nodeId, name, address }: CaseHost): readonly TestStep[] => [
  {
    nodeId,
    kind: 'cluster.verify',
    params: {
      nodes: [{ name, role: 'server' }],
      apiUrl: `https://${address}:6443`,
      stamp: sha256Hex('whole'),
    },
  },
];

/** The host as the load balancer of a server that is somewhere else; its virtual IP is its address and one more digit. */
function toBalanced({ nodeId, name, address }: CaseHost, virtualRouterId: number): Topology {
  const topology = toDefaultTopology(
    'custom',
    [
      { id: NodeId.parse('n-elsewhere'), name: 'elsewhere', role: 'server', internalIp: '192.0.2.200' },
      { id: NodeId.parse(nodeId), name, role: 'lb', internalIp: address },
    ],
    { vip: `${address}1`, interface: 'host0', virtualRouterId },
  );
  const network = { nodeCidr: `${address.replace(/\d+$/, '0')}/24` };
  const serverToken = { id: 'sec-join', version: 1 };
  return Topology.parse({ ...topology, network, security: { serverToken } });
}

/** The part of this host in the plans of that site: made a load balancer, changed, taken back. */
function balance(upTo: 'made' | 'changed' | 'removed') {
  return (host: CaseHost): readonly TestStep[] => {
    const siteId = SiteId.parse('site-balanced');
    const toSteps = (topology: Topology, kind: PlanKind, before: readonly PlanStep[][]) => {
      const bare = topology.nodes.map((node) =>
        makeFacts(topology, node, {
          addresses: [{ interface: 'host0', address: node.internalIp, prefix: 24 }],
        }),
      );
      const facts = before.reduce((found, steps) => applyPlanToFacts(found, steps), bare);
      return buildPlan({ siteId, topology, revision: 1, kind, facts }).steps;
    };
    const [first, second] = [toBalanced(host, 51), toBalanced(host, 52)];
    const made = toSteps(first, 'apply', []);
    const changed = toSteps(second, 'apply', [made]);
    const steps = { made, changed, removed: toSteps(second, 'uninstall', [made, changed]) }[upTo];
    const own = steps.filter(({ nodeId }) => nodeId === host.nodeId);
    return own.map(({ nodeId, kind, params, dependsOn }) => ({
      nodeId,
      kind,
      params,
      dependsOn: dependsOn.flatMap((id) => {
        const index = own.findIndex((step) => step.id === id);
        return index < 0 ? [] : [index];
      }),
    }));
  };
}

/** The files of a site that gets them from Siteplan; of the other architecture, because its own lie on the host already. */
function sendFiles({ nodeId, name, address }: CaseHost): readonly TestStep[] {
  const topology = Topology.parse({
    ...toDefaultTopology('custom', [
      { id: NodeId.parse(nodeId), name, internalIp: address, arch: SENT_RELEASE.arch },
    ]),
    rke2: { version: SENT_RELEASE.version, artifacts: { from: 'pushed' } },
    security: { serverToken: { id: 'sec-join', version: 1 } },
  });
  const facts = topology.nodes.map((node) => makeFacts(topology, node));
  const siteId = SiteId.parse('site-sent');
  const { steps } = buildPlan({ siteId, topology, revision: 1, kind: 'apply', facts });
  const own = steps.filter(({ kind }) => kind === 'artifact.push' || kind === 'images.place');
  return own.map(({ kind, params }) => ({ nodeId, kind, params }));
}

/** A case for every kind of plan that can be built, and among them every kind of step; `plan-cases.test.ts` sees to both. */
export const PLAN_CASES: readonly PlanCase[] = [
  { name: 'first-apply', kind: 'apply', toTopology: (base) => base },
  { name: 'verification', kind: 'apply', toTopology: (base) => base, steps: verifyCluster },
  { name: 'changed-configuration', kind: 'apply', toTopology: withSan },
  { name: 'nothing-to-do', kind: 'apply', toTopology: withSan },
  { name: 'labels', kind: 'apply', toTopology: withLabels },
  { name: 'removed-labels', kind: 'apply', toTopology: withSan },
  { name: 'reload', kind: 'apply', toTopology: withSan, steps: reloadSsh },
  { name: 'etcd-user', kind: 'apply', toTopology: withSan, steps: makeEtcdUser },
  { name: 'uninstall', kind: 'uninstall', toTopology: withSan },
  { name: 'load-balancer', kind: 'apply', toTopology: withSan, steps: balance('made') },
  { name: 'changed-load-balancer', kind: 'apply', toTopology: withSan, steps: balance('changed') },
  { name: 'removed-load-balancer', kind: 'uninstall', toTopology: withSan, steps: balance('removed') },
  { name: 'sent-files', kind: 'apply', toTopology: withSan, steps: sendFiles },
];
