import { z } from 'zod';

const ImportedKey = z.object({
  /** Line of the file, from 1. */
  line: z.int(),
  nodeId: z.string(),
  nodeName: z.string(),
  /** `address:port` for the key of a bastion on the way to the node; absent for its own key. */
  hop: z.string().optional(),
  algorithm: z.string(),
  fingerprint: z.string(),
});
export type ImportedKey = z.infer<typeof ImportedKey>;

/** What became of a known_hosts file. */
export const HostKeyImport = z.object({
  /** Pinned as approved, for these hosts. */
  matched: z.array(ImportedKey),
  /** Marked @revoked in the file: not trusted any more, for these hosts. */
  revoked: z.array(ImportedKey),
  /** Lines that are about no host of the site. */
  unmatched: z.array(z.int()),
  /** Lines that cannot be taken over, and why. */
  refused: z.array(z.object({ line: z.int(), reason: z.string() })),
});
export type HostKeyImport = z.infer<typeof HostKeyImport>;
