import { AppError } from '@/lib/core/errors';
import { SITE_SECRET_PATHS, SiteSecretField, findSiteSecretRef } from '@/lib/render/site-secret';
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

function toFields(paths: readonly string[], words: string): Record<string, string> {
  return Object.fromEntries(paths.map((path) => [path, words]));
}

/**
 * Refuses keys of the S3 store other than those of `present`: a document that was written before a key was replaced or
 * removed would bring the old one back to every server. `setSiteSecret` and `removeSiteSecret` are the only ways to change one.
 */
export function refuseOlderKeys(topology: Topology, present: Topology): void {
  const paths = SiteSecretField.options.flatMap((field) => {
    const [sent, own] = [findSiteSecretRef(topology, field), findSiteSecretRef(present, field)];
    const isSame = !sent || (sent.id === own?.id && sent.version === own.version);
    return isSame ? [] : [SITE_SECRET_PATHS[field].join('.')];
  });
  if (paths.length === 0) return;
  throw new AppError(
    'conflict',
    `The document refers to older keys in ${paths.join(' and ')}. Leave those out to keep what is set now; keys are changed in the settings of the site alone.`,
    { fields: toFields(paths, 'replaced or removed since') },
  );
}

/** Refuses every reference in the document of a site that is not there yet, except to join tokens: those are made anew. */
export function refuseSecretsOfNewSite(topology: Topology): void {
  const paths = toSecretRefs(topology).flatMap(({ path }) => (path.startsWith('security.') ? [] : [path]));
  if (paths.length === 0) return;
  const isKey = paths.some((path) => path.startsWith('etcd.'));
  const next = isKey ? ', and set the keys of the S3 store in the settings of the new site' : '';
  throw new AppError('invalid', `A new site has no secrets yet. Leave out ${paths.join(' and ')}${next}.`, {
    fields: toFields(paths, 'a new site has no secrets yet'),
  });
}
