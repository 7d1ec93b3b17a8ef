import { z } from 'zod';
import { NodeId } from '@/lib/core/ids';

/** A host key as seen on a node; pinned from `approvedAt` until `revokedAt`. */
export const HostKeyView = z.object({
  nodeId: NodeId,
  nodeName: z.string(),
  address: z.string(),
  port: z.int(),
  algorithm: z.string(),
  /** `SHA256:…`, as ssh-keygen prints it. */
  fingerprint: z.string(),
  seenAt: z.string(),
  approvedAt: z.string().nullable(),
  approvedBy: z.string().nullable(),
  revokedAt: z.string().nullable(),
});
export type HostKeyView = z.infer<typeof HostKeyView>;
