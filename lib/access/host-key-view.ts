import { z } from 'zod';
import { NodeId } from '@/lib/core/ids';

/** A host key as seen on a node, or on a bastion on the way to it; pinned from `approvedAt` until `revokedAt`. */
export const HostKeyView = z.object({
  nodeId: NodeId,
  nodeName: z.string(),
  /** `address:port` for the key of a bastion on the way to the node; absent for its own key. */
  hop: z.string().optional(),
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
