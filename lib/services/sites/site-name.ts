import { z } from 'zod';

/** Name of a site: one printable line. */
export const SiteName = z
  .string()
  .trim()
  .min(1, 'give the site a name')
  .max(80, 'at most 80 characters')
  .regex(/^[\p{L}\p{N}\p{P}\p{S} ]+$/u, 'letters, digits, punctuation and blanks only');
