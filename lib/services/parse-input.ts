import type { z } from 'zod';
import { AppError } from '@/lib/core/errors';

/** Parses what a person or program sent. Throws `invalid` with one message per field path (`nodes.0.name`). */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const fields: Record<string, string> = {};
  for (const issue of parsed.error.issues) fields[issue.path.join('.') || 'input'] ??= issue.message;
  const [first] = Object.entries(fields);
  throw new AppError('invalid', `${first?.[0] ?? 'input'}: ${first?.[1] ?? 'not valid'}.`, { fields });
}
