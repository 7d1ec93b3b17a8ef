import type { PlanStep } from '@/lib/plan/plan';
import { CLUSTER_CA_COMMAND, hasClusterCaSlot } from '@/lib/render/cluster-ca';
import { findStepKind } from '@/lib/steps/catalogue';
import type { SecretRef } from '@/lib/topology/topology';

/** Name under which a person gives a secret's value: `SITEPLAN_SECRET_K_ABC_V1` for id `k-abc`, version 1. */
export function toSecretName(ref: SecretRef): string {
  return `SITEPLAN_SECRET_${ref.id.toUpperCase().replaceAll('-', '_')}_V${ref.version}`;
}

/** Name under which a person gives the hash of the cluster's CA. */
export const CLUSTER_CA_NAME = 'SITEPLAN_CLUSTER_CA';

/** Whether a step writes the hash of the cluster's CA, which only the first server can tell once it runs. */
export function needsClusterCa(steps: readonly PlanStep[]): boolean {
  return steps.some(({ kind, params }) => hasClusterCaSlot(findStepKind(kind)?.toPayload(params) ?? ''));
}

/** Every secret that the steps write, once each, in the order in which they come up. */
export function listSecrets(steps: readonly PlanStep[]): SecretRef[] {
  const found = new Map<string, SecretRef>();
  for (const step of steps) {
    for (const ref of findStepKind(step.kind)?.toSecrets(step.params) ?? [])
      found.set(toSecretName(ref), ref);
  }
  return [...found.values()];
}

/**
 * What `secrets.env` has to hold, without values; `purposeOf` says what a secret is for. `withClusterCa` asks for the hash
 * of the cluster's CA as well.
 */
export function printSecretsExample(
  secrets: readonly SecretRef[],
  purposeOf: (ref: SecretRef) => string,
  withClusterCa: boolean,
): string {
  const entries = [
    ...secrets.map((ref) => `\n# ${purposeOf(ref)}\n${toSecretName(ref)}=\n`),
    ...(withClusterCa
      ? [
          `\n# hash of the CA of the cluster: what this prints on the first server once its turn has ended, as root\n#   ${CLUSTER_CA_COMMAND}\n${CLUSTER_CA_NAME}=\n`,
        ]
      : []),
  ];
  return `# Copy this file to secrets.env (mode 0600) and put each value right behind its "=": no quotes, no blanks.
# A value is printable ASCII without blanks, " and \\. secrets.env is read as text and never run.
${entries.join('')}`;
}
