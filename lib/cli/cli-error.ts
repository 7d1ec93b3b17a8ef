import type { ErrorCode } from '@/lib/core/errors';

/** What a script may tell apart. The texts stand in the help. */
export const EXIT_CODES = {
  done: 0,
  failed: 1,
  usage: 2,
  denied: 3,
  unreachable: 4,
  wanting: 5,
  interrupted: 130,
} as const;
export type Exit = keyof typeof EXIT_CODES;

export const EXIT_WORDS: Readonly<Record<Exit, string>> = {
  done: 'done',
  failed: 'refused or failed; the sentence on standard error says why',
  usage: 'the command line is wrong',
  denied: 'not signed in, or the role does not allow it',
  unreachable: 'the server or the database does not answer',
  wanting: 'looked at, and not good: failing checks, findings, a failed run, a broken audit',
  interrupted: 'Ctrl-C',
};

/** An end of a command that is not success: one sentence for the person, one code for the script. */
export class CliError extends Error {
  readonly exit: Exit;

  constructor(exit: Exit, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
    this.exit = exit;
  }
}

/** How the codes of the services, and so of the API, end a command. */
export const EXIT_OF: Readonly<Record<ErrorCode, Exit>> = {
  invalid: 'failed',
  unauthenticated: 'denied',
  forbidden: 'denied',
  'not-found': 'failed',
  conflict: 'failed',
  'precondition-failed': 'failed',
  'too-many': 'failed',
  unavailable: 'unreachable',
  internal: 'failed',
};
