import { canonicalJson, sha256Hex } from '@/lib/core/hash';
import { toSafeLine } from '@/lib/core/text';
import type { NodeId } from '@/lib/core/ids';
import type { Plan, PlanStep } from '@/lib/plan/plan';
import { printPlan } from '@/lib/plan/print-plan';
import { renderEveryFile } from '@/lib/render/render-every-file';
import type { NodeFile } from '@/lib/render/rendered-file';
import { findNode } from '@/lib/topology/find-node';
import { formatTopology } from '@/lib/topology/format-topology';
import type { SecretRef, Topology } from '@/lib/topology/topology';
import { toAnsibleInventory } from './ansible-inventory';
import type { BundleFile } from './bundle-file';
import { toTextFile } from './bundle-file';
import { listNodeFiles } from './list-node-files';
import { printOrder } from './print-order';
import type { NamedTurn } from './print-order';
import { printReadMe } from './print-read-me';
import { listSecrets, needsClusterCa, printSecretsExample, toSecretName } from './secret-names';
import { STEP_RUNNER } from './step-runner';
import { kindOf } from './step-script';
import { toTurns } from './to-turns';

export interface BundleInput {
  readonly siteName: string;
  /** Of the plan's revision. */
  readonly topology: Topology;
  readonly plan: Plan;
  /** True when no host was read for the plan (`toBareFacts`). */
  readonly isBare: boolean;
}

/**
 * Every file of a run-by-hand bundle: the plan's steps as scripts around the very texts that the engine runs, the
 * files at their real paths with slots for secrets, order, checks and sums. Pure: the same input gives the same files.
 * Throws for a plan with a node that the topology lacks or a kind of step that this release does not know.
 */
export function listBundle(input: BundleInput): BundleFile[] {
  const { siteName, topology, plan, isBare } = input;
  const turns = nameTurns(topology, plan);
  const secrets = listSecrets(plan.steps);
  const withClusterCa = needsClusterCa(plan.steps);
  const purposeOf = toPurposes(topology);
  const nameOf = (nodeId: NodeId) => findNode(topology, nodeId)?.name ?? nodeId;
  const files = [
    toTextFile(
      'README.txt',
      printReadMe({ siteName, plan, isBare, turns, secrets, withClusterCa, purposeOf }),
    ),
    toTextFile('order.txt', printOrder(turns)),
    toTextFile('plan.txt', printPlan(plan, nameOf)),
    toTextFile('plan.json', `${JSON.stringify(JSON.parse(canonicalJson(plan)), null, 2)}\n`),
    toTextFile('topology.yaml', formatTopology(topology)),
    toTextFile('inventory.yaml', toAnsibleInventory(siteName, plan.revision, topology)),
    ...(secrets.length > 0
      ? [toTextFile('secrets.env.example', printSecretsExample(secrets, purposeOf, withClusterCa))]
      : []),
    toTextFile('lib/run-step.sh', STEP_RUNNER),
    ...listKinds(plan.steps),
    ...topology.nodes.flatMap((node) => {
      const own = turns.filter(({ turn }) => turn.nodeId === node.id).map(({ turn }) => turn);
      const rendered: readonly NodeFile[] = plan.kind === 'apply' ? renderEveryFile(topology, node.id) : [];
      return listNodeFiles(node.name, own, rendered).map((file) => ({
        ...file,
        path: `nodes/${node.name}/${file.path}`,
      }));
    }),
  ];
  return [...files, toTextFile('SHA256SUMS', printSums(files))];
}

/** Folder that holds a bundle's files in its archive, and the archive's name without its ending. */
export function toBundleName(siteName: string, plan: Plan, isBare: boolean): string {
  const slug = siteName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  return `siteplan-${slug || 'site'}-r${plan.revision}-${isBare ? 'from-bare-hosts' : plan.id}`;
}

function nameTurns(topology: Topology, plan: Plan): NamedTurn[] {
  const turns = toTurns(plan);
  const names = topology.nodes.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`two nodes are called ${twice}`);
  return turns.map((turn) => {
    const node = findNode(topology, turn.nodeId);
    if (!node) throw new Error(`the topology has no node ${turn.nodeId}`);
    const isPart = turns.some((other) => other !== turn && other.nodeId === turn.nodeId);
    return { turn, node, folder: `nodes/${node.name}`, isPart };
  });
}

/** The constant texts of each kind that the steps are of, byte for byte those that the engine sends. */
function listKinds(steps: readonly PlanStep[]): BundleFile[] {
  const kinds = new Map(steps.map((step) => [step.kind, kindOf(step)]));
  return [...kinds].flatMap(([name, { probe, act, verify }]) => [
    toTextFile(`kinds/${name}/probe.sh`, probe),
    toTextFile(`kinds/${name}/act.sh`, act),
    toTextFile(`kinds/${name}/verify.sh`, verify),
  ]);
}

/** What the secrets of a topology are for, by their place in the document. */
function toPurposes({ security, edge, etcd }: Topology): (ref: SecretRef) => string {
  const known: readonly (readonly [SecretRef | undefined, string])[] = [
    [
      security.serverToken,
      'token with which servers join; the bootstrap data of the cluster is encrypted with it',
    ],
    [security.agentToken, 'token with which agents join'],
    [edge.tailscale.authKey, 'auth key of Tailscale'],
    [etcd.snapshots.s3?.accessKey, 'access key of the S3 store of etcd snapshots'],
    [etcd.snapshots.s3?.secretKey, 'secret key of the S3 store of etcd snapshots'],
  ];
  const words = new Map(
    known.flatMap(([ref, purpose]) => (ref ? [[toSecretName(ref), purpose] as const] : [])),
  );
  return (ref) => words.get(toSecretName(ref)) ?? `secret ${toSafeLine(ref.id)} of version ${ref.version}`;
}

function printSums(files: readonly BundleFile[]): string {
  const lines = files.map(({ path, content }) => `${sha256Hex(content)}  ${path}\n`);
  return lines.sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join('');
}
