import { z } from 'zod';

/** One row of the audit; `detail` is JSON text. */
export const AuditView = z.object({
  /** A whole number as text: it may outgrow what JSON readers hold. */
  seq: z.string(),
  at: z.string(),
  actor: z.string(),
  action: z.string(),
  object: z.string(),
  ip: z.string(),
  requestId: z.string(),
  detail: z.string(),
  prevHash: z.string(),
  hash: z.string(),
});
export type AuditView = z.infer<typeof AuditView>;
