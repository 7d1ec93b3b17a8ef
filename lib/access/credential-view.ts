import { z } from 'zod';
import { CredentialId } from '@/lib/core/ids';

/** What a browser may see of a credential: never its secret parts. */
export const CredentialView = z.object({
  id: CredentialId,
  name: z.string(),
  kind: z.enum(['password', 'key', 'agent']),
  /** Fingerprint of the public key (`SHA256:…`), empty for passwords and for an agent with all its keys. */
  publicInfo: z.string(),
  createdAt: z.string(),
  createdBy: z.string(),
  /** How many nodes of all topologies name it. */
  usedByNodes: z.int(),
});
export type CredentialView = z.infer<typeof CredentialView>;

const Name = z
  .string()
  .trim()
  .min(1, 'give it a name')
  .max(80)
  .regex(/^[\p{L}\p{N}\p{P}\p{S} ]+$/u, 'letters, digits, punctuation and blanks only');

/** A new credential. The secret parts are sealed to the workers' key before they are stored and never read back. */
export const CredentialInput = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('password'),
    name: Name,
    password: z.string().min(1, 'type the password').max(1_000),
    /** Password for sudo; absent means the same as `password`. */
    sudoPassword: z.string().max(1_000).optional(),
  }),
  z.strictObject({
    kind: z.literal('key'),
    name: Name,
    privateKey: z.string().min(1, 'paste the private key').max(20_000),
    passphrase: z.string().max(1_000).optional(),
    sudoPassword: z.string().max(1_000).optional(),
  }),
  /** The ssh-agent of the workers (`SITEPLAN_SSH_AGENT`): the key never comes here. */
  z.strictObject({
    kind: z.literal('agent'),
    name: Name,
    /** The one key of the agent to use, as a line of a .pub file; absent tries them all. */
    publicKey: z.string().max(20_000).optional(),
    sudoPassword: z.string().max(1_000).optional(),
  }),
]);
export type CredentialInput = z.infer<typeof CredentialInput>;

/** The sealed payload of a credential, read by workers only. */
export const CredentialSecret = z.object({
  password: z.string().optional(),
  privateKey: z.string().optional(),
  passphrase: z.string().optional(),
  sudoPassword: z.string().optional(),
  /** Sign in with the worker's agent; `publicKey` (`TYPE BASE64`) is no secret. */
  agent: z.literal(true).optional(),
  publicKey: z.string().optional(),
});
export type CredentialSecret = z.infer<typeof CredentialSecret>;
