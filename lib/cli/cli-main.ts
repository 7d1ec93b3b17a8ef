import { isAppError } from '@/lib/core/errors';
import { toSafeLine } from '@/lib/core/text';
import { EnvError } from '@/lib/env/env';
import { KeyError } from '@/lib/secrets/keys';
import { toDatabaseError } from '@/lib/services/to-database-error';
import { CliError, EXIT_CODES, EXIT_OF, type Exit } from './cli-error';
import { findCommand, runCommand, toOverview, type Command } from './command';
import { ARTIFACT_COMMANDS } from './commands/artifact-commands';
import { AUDIT_COMMANDS } from './commands/audit-commands';
import { CHECK_COMMANDS } from './commands/check-commands';
import { CREDENTIAL_COMMANDS } from './commands/credential-commands';
import { DOCTOR_COMMAND } from './commands/doctor-command';
import { HOST_KEY_COMMANDS } from './commands/host-key-commands';
import { LOGIN_COMMANDS } from './commands/login-commands';
import { RUN_COMMANDS } from './commands/run-commands';
import { SECRET_COMMANDS } from './commands/secret-commands';
import { SITE_COMMANDS } from './commands/site-commands';
import { SITE_SECRET_COMMANDS } from './commands/site-secret-commands';
import { TOKEN_COMMANDS } from './commands/token-commands';
import { USER_COMMANDS } from './commands/user-commands';
import { WORK_COMMANDS } from './commands/work-commands';

/** In the order of the help; those on this machine come before those on a server. */
export const COMMANDS: readonly Command[] = [
  DOCTOR_COMMAND,
  ...USER_COMMANDS,
  ...TOKEN_COMMANDS,
  ...SECRET_COMMANDS,
  ...AUDIT_COMMANDS,
  ...ARTIFACT_COMMANDS,
  ...LOGIN_COMMANDS,
  ...SITE_COMMANDS,
  ...SITE_SECRET_COMMANDS,
  ...CREDENTIAL_COMMANDS,
  ...HOST_KEY_COMMANDS,
  ...CHECK_COMMANDS,
  ...WORK_COMMANDS,
  ...RUN_COMMANDS,
];

/** Any error as one sentence and an exit; what nobody foresaw keeps its stack for a report. */
function toEnd(error: unknown): { exit: Exit; message: string } {
  if (error instanceof CliError) return { exit: error.exit, message: error.message };
  const known = isAppError(error) ? error : toDatabaseError(error);
  if (known) return { exit: EXIT_OF[known.code], message: known.message };
  if (error instanceof EnvError || error instanceof KeyError)
    return { exit: 'failed', message: error.message };
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { exit: 'failed', message: `This failed for a reason that nobody foresaw. ${detail}` };
}

async function dispatch(words: readonly string[]): Promise<Exit> {
  const [first] = words;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    process.stdout.write(toOverview(COMMANDS));
    return first === undefined ? 'usage' : 'done';
  }
  const found = findCommand(COMMANDS, words);
  if (found) return runCommand(found.command, found.rest);
  const near = COMMANDS.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name);
  const hint = near.length > 0 ? `Use one of: ${near.join(', ')}.` : 'See npm run cli -- --help.';
  throw new CliError(
    'usage',
    `There is no command ${toSafeLine(first, 60)}${near.length > 0 ? ' alone' : ''}. ${hint}`,
  );
}

/** Entry of `npm run cli`; sets the exit code (EXIT_CODES) and leaves the end to Node, so that all output gets out. */
export async function main(words: readonly string[]): Promise<void> {
  // `| head` closes the pipe: that is no failure of the command.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  let exit: Exit;
  try {
    exit = await dispatch(words);
  } catch (error) {
    const end = toEnd(error);
    process.stderr.write(
      `${end.message
        .split('\n')
        .map((line) => toSafeLine(line, 2_000))
        .join('\n')}\n`,
    );
    exit = end.exit;
  }
  process.exitCode = EXIT_CODES[exit];
}
