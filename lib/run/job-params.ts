import { z } from 'zod';
import { PlanKind } from '@/lib/plan/plan';

/** What a job of each kind is told; stored in the job's row, so it never holds a secret. */
export const JobParams = z.discriminatedUnion('kind', [
  /** Reads the host keys of the nodes of a revision, without signing in. */
  z.strictObject({ kind: z.literal('scan'), revision: z.int() }),
  /** `nodeIds`, `checkIds`: only these cells; absent means all. Ids that nothing has match nothing. */
  z.strictObject({
    kind: z.literal('preflight'),
    revision: z.int(),
    nodeIds: z.array(z.string()).min(1).optional(),
    checkIds: z.array(z.string()).min(1).optional(),
  }),
  z.strictObject({ kind: z.literal('plan'), revision: z.int(), planKind: PlanKind }),
  /** `publicKey`: the caller's one-time P-256 key, uncompressed point in base64 (lib/secrets/seal-to). */
  z.strictObject({ kind: z.literal('kubeconfig'), publicKey: z.string() }),
]);
export type JobParams = z.infer<typeof JobParams>;
