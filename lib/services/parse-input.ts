import type { z } from 'zod';
import { AppError } from '@/lib/core/errors';

/** What a schema refused, as `invalid` with one message per field path (`nodes.0.name`). */
export function toInvalid(error: z.ZodError): AppError {
  const fields: Record<string, string> = {};
  for (const issue of error.issues) fields[issue.path.join('.') || 'input'] ??= issue.message;
  const [first] = Object.entries(fields);
  return new AppError('invalid', `${first?.[0] ?? 'input'}: ${first?.[1] ?? 'not valid'}.`, { fields });
}

/** Parses what a person or program sent. Throws `invalid` with one message per field path. */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw toInvalid(parsed.error);
}
