import type { PlanStep } from '@/lib/plan/plan';
import { CLUSTER_CA_SLOT, hasClusterCaSlot } from '@/lib/render/cluster-ca';
import { findSecretSlots, toSecretSlot } from '@/lib/render/secret-slot';
import { findStepKind } from '@/lib/steps/catalogue';
import type { StepKind } from '@/lib/steps/step-kind';
import type { SecretRef } from '@/lib/topology/topology';
import { CLUSTER_CA_NAME, toSecretName } from './secret-names';
import { toShellFile } from './shell-file';

/** Where a step script stands and what it says of itself. */
export interface StepPlace {
  readonly number: number;
  readonly total: number;
  readonly nodeName: string;
  /** Path of the payload below the node's folder; null for a step without one. */
  readonly input: string | null;
  /** Unit without which this host has no use for the step; null when every host has. */
  readonly onlyWithUnit: string | null;
}

/** The step's kind. Throws for a kind that this release does not know. */
export function kindOf(step: PlanStep): StepKind {
  const kind = findStepKind(step.kind);
  if (!kind) throw new Error(`this release does not know steps of the kind ${step.kind}`);
  return kind;
}

/** `05-write-etc-rancher-rke2-config.yaml.sh`: the number sorts, the words are for people. */
export function toScriptName(step: PlanStep, number: number, total: number): string {
  const words = step.title.toLowerCase().replace(/[^a-z0-9.]+/g, '-');
  const slug = words.slice(0, 60).replace(/^[-.]+|[-.]+$/g, '') || 'step';
  return `${String(number).padStart(Math.max(2, String(total).length), '0')}-${slug}.sh`;
}

/**
 * One step as a readable script: what it does as comments, its parameters as quoted assignments, then the runner, which
 * reads the constant texts of the step's kind. Nothing of a parameter is ever shell text. Throws when the payload holds a slot
 * that the step does not list: filling it would put a secret where nobody has asked for it.
 */
export function toStepScript(step: PlanStep, place: StepPlace): string {
  const kind = kindOf(step);
  const secrets = place.input === null ? [] : listCheckedSecrets(kind, step);
  const slots = secrets.map((ref) => `${toSecretName(ref)} ${toSecretSlot(ref)}`);
  if (hasClusterCaSlot(kind.toPayload(step.params) ?? ''))
    slots.push(`${CLUSTER_CA_NAME} ${CLUSTER_CA_SLOT}`);
  return toShellFile({
    comments: toComments(step, place, kind),
    variables: kind.toVariables(step.params),
    settings: {
      step_title: step.title,
      step_kind: step.kind,
      step_input: place.input ?? '',
      step_secrets: slots.join('\n'),
      step_only_with: place.onlyWithUnit ?? '',
      step_uninterruptible: kind.uninterruptible ?? '',
    },
    body: CALL_RUNNER,
  });
}

const CALL_RUNNER = `here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P) || exit 1
. "$here/../../../lib/run-step.sh"
`;

function toComments(step: PlanStep, { number, total, nodeName, onlyWithUnit }: StepPlace, kind: StepKind) {
  return [
    `Step ${number} of ${total} on ${nodeName}: ${step.title}`,
    `Effect: ${step.effect}`,
    `Restarts or starts: ${step.restarts.join(', ') || 'nothing'}`,
    ...(step.quorum === null ? [] : [`Voting servers while it runs: ${step.quorum}`]),
    ...(onlyWithUnit === null ? [] : [`Only where ${onlyWithUnit} is loaded; passed over elsewhere`]),
    ...(kind.uninterruptible === null ? [] : [`Not to be cut: ${kind.uninterruptible}`]),
    `Takes at most ${kind.timeoutS} s. Kind ${step.kind}, its texts are in kinds/${step.kind}; step ${step.id}`,
    'As root: sh THIS [probe|act|verify]. Without a word: probe, then act and verify where the probe says so.',
  ];
}

function listCheckedSecrets(kind: StepKind, step: PlanStep): readonly SecretRef[] {
  const secrets = kind.toSecrets(step.params);
  const listed = new Set(secrets.map(toSecretSlot));
  for (const slot of findSecretSlots(kind.toPayload(step.params) ?? '')) {
    const isListed = listed.has(`⟦secret ${slot.id} v${slot.version}⟧`);
    if (!isListed)
      throw new Error(`step ${step.id} holds a slot that it does not list: ${slot.id} v${slot.version}`);
  }
  return secrets;
}
