import { AppError } from '@/lib/core/errors';
import type { SecretRef, Topology } from '@/lib/topology/topology';
import type { SecretPurpose } from '../store-secret';
import type { Transaction } from '../transact';

/** Every secret that a topology refers to, with the purpose that such a secret must have. */
function toSecretRefs(topology: Topology): { path: string; purpose: SecretPurpose; ref: SecretRef }[] {
  const { security, edge, etcd } = topology;
  const found = [
    ['security.serverToken', 'server-token', security.serverToken],
    ['security.agentToken', 'agent-token', security.agentToken],
    ['edge.tailscale.authKey', 'tailscale-auth-key', edge.tailscale.authKey],
    ['etcd.snapshots.s3.accessKey', 's3-access-key', etcd.snapshots.s3?.accessKey],
    ['etcd.snapshots.s3.secretKey', 's3-secret-key', etcd.snapshots.s3?.secretKey],
  ] as const;
  return found.flatMap(([path, purpose, ref]) => (ref ? [{ path, purpose, ref }] : []));
}

/**
 * Refuses references to secrets that are not this site's own, of the right purpose and version: the worker fills
 * them into files on the site's hosts, so a foreign reference would carry another site's secret away.
 */
export async function refuseForeignSecrets(
  tx: Transaction,
  siteId: string,
  topology: Topology,
): Promise<void> {
  for (const { path, purpose, ref } of toSecretRefs(topology)) {
    const own = await tx.prisma.secret.findFirst({
      where: { id: ref.id, version: ref.version, purpose, owner: siteId },
      select: { id: true },
    });
    if (!own) {
      throw new AppError(
        'invalid',
        `${path} does not refer to a secret of this site. Leave it out to keep the present one.`,
        {
          fields: { [path]: 'not a secret of this site' },
        },
      );
    }
  }
}
