import type { SecretRef, Topology } from './topology';

/** Every secret that a topology refers to. */
export function listSecretRefs({ security, edge, etcd }: Topology): SecretRef[] {
  return [
    security.serverToken,
    security.agentToken,
    edge.tailscale.authKey,
    etcd.snapshots.s3?.accessKey,
    etcd.snapshots.s3?.secretKey,
  ].filter((ref) => ref !== undefined);
}
