import { z } from 'zod';
import { SecretRef } from '@/lib/topology/topology';

/** Absolute path of plain characters: no spaces, no `..`, so that it needs no thought in any shell or unit file. */
export const HostPath = z
  .string()
  .regex(/^(?!.*\/\.\.?(\/|$))(\/[A-Za-z0-9_.@:+-]+)+$/, 'not a plain absolute path');

/**
 * One file as it shall stand on one node. `content` holds secret slots (`lib/render/secret-slot`), never values;
 * `secrets` lists exactly the slots that the worker may fill.
 */
export const RenderedFile = z.object({
  path: HostPath,
  /** Octal permission bits as four digits, `0600`. */
  mode: z.string().regex(/^0[0-7]{3}$/),
  owner: z.string().default('root'),
  group: z.string().default('root'),
  content: z.string(),
  secrets: z.array(SecretRef).default([]),
  /** Units that read this file only when they start: a change of it wants their restart. Others notice it by themselves. */
  readBy: z.array(z.string()).default([]),
  /** Write the file only on hosts where this unit is loaded (NetworkManager, networkd); null means on every host. */
  onlyWithUnit: z.string().nullable().default(null),
  /** One sentence for the reader of a plan or bundle: what this file is for. */
  purpose: z.string(),
});
export type RenderedFile = z.infer<typeof RenderedFile>;

/** A file with who places it: a plan, or only a later release (its reason is a sentence for the reader). */
export type NodeFile = RenderedFile &
  ({ readonly appliedBy: 'plan' } | { readonly appliedBy: 'later'; readonly reason: string });
