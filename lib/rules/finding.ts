import { z } from 'zod';
import { DocumentPath, TopologyEdit } from '@/lib/topology/edit-topology';

/** `error`: it will not work; `warning`: it works until something happens; `info`: worth knowing. */
export const Severity = z.enum(['error', 'warning', 'info']);
export type Severity = z.infer<typeof Severity>;

/** A way out that is itself an edit of the document. */
export const Fix = z.strictObject({
  /** A button's words: a verb and what it does. */
  title: z.string(),
  edits: z.array(TopologyEdit).min(1),
});
export type Fix = z.infer<typeof Fix>;

/** One thing that a design check has to say about one place in a topology. */
export const Finding = z.strictObject({
  ruleId: z.string(),
  severity: Severity,
  path: DocumentPath,
  /** What is so and why it matters, in one or two sentences. */
  message: z.string(),
  /** Where the fact comes from, for readers who doubt it. */
  source: z.string(),
  fix: Fix.nullable(),
});
export type Finding = z.infer<typeof Finding>;
