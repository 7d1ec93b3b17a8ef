import { z } from 'zod';

/** A form that is being filled in; `document` is the form's own state. */
export const DraftView = z.object({ id: z.string(), updatedAt: z.string(), document: z.unknown() });
export type DraftView = z.infer<typeof DraftView>;
