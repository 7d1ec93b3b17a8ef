import type { PlanStep } from '@/lib/plan/plan';
import { fillClusterCa, hasClusterCaSlot } from '@/lib/render/cluster-ca';
import { fillSecretSlots } from '@/lib/render/secret-slot';
import { sha256Hex } from '@/lib/core/hash';
import { HostError } from '@/lib/ssh/host-error';
import type { ReleaseFile, StepKind } from '@/lib/steps/step-kind';
import type { SecretRef } from '@/lib/topology/topology';
import { toFailure } from './step-failure';

/** A step with everything that its three scripts need, secrets included: lives in memory only, while the step runs. */
export interface FilledStep {
  readonly id: string;
  readonly nodeId: string;
  readonly title: string;
  readonly kind: StepKind;
  readonly variables: Readonly<Record<string, string>>;
  /** Standard input of the act; empty for a kind without one. */
  readonly payload: string;
  /** What is sent to the host before the act; its list of checksums is then the payload. */
  readonly releaseFile: ReleaseFile | null;
}

/**
 * Puts the secrets' values and the hash of the cluster's CA, which is asked for only where the payload has its slot, into
 * the slots and adds the hash of what came out as `payload_sha256`, which only
 * the worker can know (contract 3). `root` is where paths begin, empty on a host. Rejects with HostError
 * `secret-unavailable`, or `plan-stale` for a kind that this release does not know, with what `clusterCa` rejects with,
 * or, for parameters that the kind refuses, with what the schema throws.
 */
export async function fillStep(
  step: PlanStep,
  options: {
    readonly findKind: (kind: string) => StepKind | null;
    readonly secretValue: (ref: SecretRef) => string | undefined;
    /** SHA-256 of the cluster's CA in hex. */
    readonly clusterCa: () => Promise<string>;
    readonly root: string;
  },
): Promise<FilledStep> {
  const kind = options.findKind(step.kind);
  if (!kind) {
    const message = `This release of Siteplan does not know the step "${step.title}" (${step.kind}).`;
    throw new HostError({ ...toFailure('plan-stale', message) });
  }
  const template = kind.toPayload(step.params);
  let payload = '';
  if (template !== null) {
    try {
      payload = fillSecretSlots(template, kind.toSecrets(step.params), options.secretValue);
    } catch (cause) {
      const message = `A secret that "${step.title}" writes is not there any more.`;
      throw new HostError(toFailure('secret-unavailable', message), { cause });
    }
    if (hasClusterCaSlot(payload)) payload = fillClusterCa(payload, await options.clusterCa());
  }
  return {
    id: step.id,
    nodeId: step.nodeId,
    title: step.title,
    kind,
    variables: {
      ...kind.toVariables(step.params),
      ...(template === null ? {} : { payload_sha256: sha256Hex(payload) }),
      root: options.root,
    },
    payload,
    releaseFile: kind.toReleaseFile(step.params),
  };
}
