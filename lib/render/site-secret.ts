import { z } from 'zod';
import { isFillable } from './secret-slot';
import type { Topology } from '@/lib/topology/topology';

/**
 * Secrets of a site that a person brings, by their purpose, and the place of the reference in the topology. Join tokens
 * are not among them: Siteplan makes those itself.
 */
export const SITE_SECRET_PATHS = {
  's3-access-key': ['etcd', 'snapshots', 's3', 'accessKey'],
  's3-secret-key': ['etcd', 'snapshots', 's3', 'secretKey'],
} as const;

export const SiteSecretField = z.enum(['s3-access-key', 's3-secret-key']);
export type SiteSecretField = z.infer<typeof SiteSecretField>;

/** What may be known of such a secret: never its value. All null while none is set. */
export const SiteSecretView = z.object({
  field: SiteSecretField,
  version: z.int().nullable(),
  setAt: z.string().nullable(),
  setBy: z.string().nullable(),
});
export type SiteSecretView = z.infer<typeof SiteSecretView>;

/** A value as it is sent. It must be able to stand in the files of hosts (`lib/render/secret-slot`). */
export const SiteSecretValue = z
  .string()
  .trim()
  .min(1, 'type or paste the value')
  .max(1_000, 'longer than 1000 characters: paste the key alone')
  .refine(
    (text) => text === '' || isFillable(text),
    'has blanks, quotes, backslashes or letters beyond ASCII: paste the key alone',
  )
  // What is shorter is not looked for in logs and files, because it stands in too much else (`toSlottedText`).
  .refine(
    (text) => text === '' || text.length >= 8,
    'shorter than 8 characters: make a longer key in the store',
  );

/** The reference of a topology to such a secret. */
export function findSiteSecretRef({ etcd }: Topology, field: SiteSecretField) {
  const { s3 } = etcd.snapshots;
  return field === 's3-access-key' ? s3?.accessKey : s3?.secretKey;
}
