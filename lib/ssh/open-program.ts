import { randomBytes } from 'node:crypto';
import type { Client, ClientChannel } from 'ssh2';
import { toSafeLine } from '@/lib/core/text';
import { toConnectionLost, toEndpointText, type SshErrorContext } from './classify-ssh-error';
import { endChannel } from './end-channel';
import { HostError } from './host-error';
import type { OpenClient } from './start-client';
import type { SudoMode } from './target';

const READY_TIMEOUT_MS = 15_000;
/** What a login may print before our program starts; more is no banner. */
const MAX_NOISE_BYTES = 256 * 1024;

/** Where programs start: an authenticated client and how it becomes root. */
export interface ProgramHost {
  readonly client: Client;
  readonly sudo: SudoMode;
  readonly context: SshErrorContext;
  /** Another connection to the same host, for a program that finds no room on this one. */
  readonly openMore?: () => Promise<Pick<OpenClient, 'client' | 'close'>>;
}

/**
 * The one command text that a host's login shell ever sees, whichever shell that is (sh, bash, csh, fish): constant
 * but for two random marks. The program itself comes as one base64 line on standard input, read byte by byte, so
 * that what follows the line is left for the program.
 */
function toCommand(sudo: SudoMode, readyMark: string, promptMark: string): string {
  const sh = `sh -c 'echo ${readyMark}; read -r p; eval "$(printf %s "$p" | base64 -d)"'`;
  if (sudo === 'none') return sh;
  if (sudo === 'nopasswd') return `env LC_ALL=C sudo -n -- ${sh}`;
  return `env LC_ALL=C sudo -S -p ${promptMark} -- ${sh}`;
}

const SUDO_REFUSALS: readonly (readonly [
  RegExp,
  'sudo-password-needed' | 'sudo-needs-tty' | 'sudo-refused',
  string,
])[] = [
  [/must have a tty|no tty present/i, 'sudo-needs-tty', 'sudo insists on a terminal (requiretty).'],
  [/password is required/i, 'sudo-password-needed', 'sudo asks for a password, and the credential has none.'],
  [/incorrect password|try again|no password was provided/i, 'sudo-refused', 'sudo refused the password.'],
  [
    /not in the sudoers|not allowed to|may not run sudo/i,
    'sudo-refused',
    'sudo does not let this user become root.',
  ],
  [
    /sudo: (command )?not found|'sudo'.*No such file|unknown command.*sudo/i,
    'sudo-refused',
    'sudo is not installed.',
  ],
];

const SUDO_ACTIONS = {
  'sudo-password-needed': 'Add the sudo password to the credential, or allow NOPASSWD for this user.',
  'sudo-needs-tty': 'Remove requiretty for this user in the sudoers file.',
  'sudo-refused': 'Correct the password or the sudoers file, or use another user.',
} as const;

/** Why no program could start, from what the host printed instead of our mark, and how long we waited if it hangs. */
export function toStartFailure(
  context: SshErrorContext,
  sudo: SudoMode,
  stdout: string,
  stderr: string,
  hangsMs: number | null = null,
): HostError {
  const { name } = context;
  const said = `${stderr}\n${stdout}`;
  const who = toEndpointText(context);
  if (/password has expired|required to change your password|account has expired/i.test(said)) {
    return new HostError({
      code: 'password-expired',
      message: `${name} says that the password or account of ${who} has expired.`,
      nextAction: 'Sign in once by hand, set a new password, and enter it as credential.',
    });
  }
  const refusal = sudo === 'none' ? undefined : SUDO_REFUSALS.find(([pattern]) => pattern.test(said));
  if (refusal) {
    const [, code, words] = refusal;
    return new HostError({
      code,
      message: `On ${name}, as ${who}: ${words}`,
      nextAction: SUDO_ACTIONS[code],
    });
  }
  const line = said.split('\n').find((text) => text.trim() !== '');
  if (hangsMs !== null) {
    return new HostError({
      code: 'login-shell-unusable',
      message: `${name} lets ${who} sign in but starts nothing within ${Math.round(hangsMs / 1_000)} s${line ? `; it says: ${toSafeLine(line.trim(), 200)}` : '.'}`,
      nextAction:
        'Look at what the login or sudo waits for on the host: a profile that asks something, a second factor.',
    });
  }
  return new HostError({
    code: 'login-shell-unusable',
    message: `${name} lets ${who} sign in but runs no command for it${line ? `; it says: ${toSafeLine(line.trim(), 200)}` : '.'}`,
    nextAction: 'Give the user a login shell (sh, bash), without a forced command, and base64 on the host.',
  });
}

/** Sessions of which the host has said how their program ended. It may say so before a promise of ours is resolved. */
const ENDED = new WeakSet<ClientChannel>();

/** A session on this client, or null where sshd allows no further one. */
function tryOpenSession(client: Client, context: SshErrorContext, command: string) {
  return new Promise<ClientChannel | null>((resolve, reject) => {
    const lost = (cause: unknown) => reject(new HostError(toConnectionLost(context), { cause }));
    try {
      client.exec(command, (error: Error | undefined, channel) => {
        if (!error) resolve(channel.once('exit', () => ENDED.add(channel)));
        else if (/channel open failure/i.test(error.message)) resolve(null);
        else lost(error);
      });
    } catch (error) {
      lost(error);
    }
  });
}

async function openSession({ client, context, openMore }: ProgramHost, command: string) {
  const channel = await tryOpenSession(client, context, command);
  if (channel) return channel;
  const more = await openMore?.();
  const own = more && (await tryOpenSession(more.client, context, command));
  if (own) {
    own.once('close', more.close);
    return own;
  }
  more?.close();
  throw new HostError({
    code: 'login-shell-unusable',
    message: `${context.name} allows no session on a connection.`,
    nextAction: 'Raise MaxSessions in its sshd_config (10 is the default).',
  });
}

/**
 * Starts `program` (sh text) on the host as root or as the user, and resolves once it runs: login noise, sudo's
 * questions and shells that run nothing are dealt with here. The channel's standard input is the program's; its
 * standard output begins with the program's first byte. Rejects with HostError.
 */
export async function openProgram(
  host: ProgramHost,
  program: string,
  timeoutMs = READY_TIMEOUT_MS,
): Promise<ClientChannel> {
  const readyMark = `siteplan-ready-${randomBytes(8).toString('hex')}`;
  const promptMark = `siteplan-sudo-${randomBytes(8).toString('hex')}:`;
  const channel = await openSession(host, toCommand(host.sudo, readyMark, promptMark));
  channel.on('error', () => undefined);
  channel.stderr.on('error', () => undefined);
  await waitUntilReady(host, channel, { readyMark, promptMark, timeoutMs });
  channel.write(`${Buffer.from(program).toString('base64')}\n`);
  return channel;
}

async function waitUntilReady(
  host: ProgramHost,
  channel: ClientChannel,
  options: { readyMark: string; promptMark: string; timeoutMs: number },
): Promise<void> {
  const { readyMark, promptMark, timeoutMs } = options;
  let stdout = Buffer.alloc(0);
  let stderr = '';
  let prompts = 0;
  await new Promise<void>((resolve, reject) => {
    const fail = (hangsMs: number | null = null) => {
      stop();
      endChannel(channel);
      reject(toStartFailure(host.context, host.sudo, stdout.toString('utf8'), stderr, hangsMs));
    };
    // sshd says how a program ended, whatever it was; a channel that closes without a word has lost its connection.
    const onClose = () => {
      if (ENDED.has(channel)) return fail();
      stop();
      reject(new HostError(toConnectionLost(host.context), { cause: new Error('closed while starting') }));
    };
    const timer = setTimeout(() => fail(timeoutMs), timeoutMs);
    const onOut = (chunk: Buffer) => {
      stdout = Buffer.concat([stdout, chunk]);
      const at = stdout.indexOf(`${readyMark}\n`);
      if (at < 0) {
        if (stdout.length > MAX_NOISE_BYTES) fail();
        return;
      }
      stop();
      channel.pause();
      const rest = stdout.subarray(at + readyMark.length + 1);
      if (rest.length > 0) channel.unshift(rest);
      resolve();
    };
    const onErr = (chunk: Buffer) => {
      stderr = `${stderr}${chunk.toString('utf8')}`.slice(-MAX_NOISE_BYTES);
      if (stderr.split(promptMark).length - 1 <= prompts || typeof host.sudo !== 'object') return;
      prompts += 1;
      if (prompts > 1) {
        stderr += '\nsudo: incorrect password';
        fail();
      } else channel.write(`${host.sudo.password}\n`);
    };
    const stop = () => {
      clearTimeout(timer);
      channel.removeListener('data', onOut).removeListener('close', onClose);
      channel.stderr.removeListener('data', onErr);
    };
    channel.on('data', onOut).once('close', onClose);
    channel.stderr.on('data', onErr);
  });
}
