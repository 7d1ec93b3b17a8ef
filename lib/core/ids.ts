import { z } from 'zod';
import type { Brand } from './brand';

function brandedId<B extends string>(what: B) {
  return z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{1,62}$/, `not a ${what} id`)
    .transform((id) => id as Brand<string, B>); // the regular expression above is what makes it one
}

export const UserId = z
  .string()
  .min(1)
  .transform((id) => id as Brand<string, 'user'>); // made by the sign-in library
export type UserId = z.infer<typeof UserId>;
export const SiteId = brandedId('site');
export type SiteId = z.infer<typeof SiteId>;
export const NodeId = brandedId('node');
export type NodeId = z.infer<typeof NodeId>;
export const CredentialId = brandedId('credential');
export type CredentialId = z.infer<typeof CredentialId>;
export const SecretId = brandedId('secret');
export type SecretId = z.infer<typeof SecretId>;
export const PlanId = brandedId('plan');
export type PlanId = z.infer<typeof PlanId>;
export const RunId = brandedId('run');
export type RunId = z.infer<typeof RunId>;
export const JobId = brandedId('job');
export type JobId = z.infer<typeof JobId>;

const ALPHABET = 'abcdefghjkmnpqrstvwxyz0123456789';

/**
 * An opaque id such as `n-4kd0c2m9qhxz` from 12 random bytes (32 letters, 60 bits); `prefix` is for people who
 * read logs. Randomness is an argument so that tier 0 stays deterministic.
 */
export function toOpaqueId(prefix: string, random: Uint8Array): string {
  if (random.length < 12) throw new Error('an opaque id needs 12 random bytes');
  const letters = Array.from(random.subarray(0, 12), (byte) => ALPHABET[byte % 32]);
  return `${prefix}-${letters.join('')}`;
}
