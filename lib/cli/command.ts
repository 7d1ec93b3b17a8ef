import { parseArgs } from 'node:util';
import { CliError, EXIT_CODES, EXIT_WORDS, type Exit } from './cli-error';
import { Output } from './output';

/** An option of a command: a flag, or with `value` one that takes a value called so in the help. */
export interface OptionSpec {
  readonly value?: string;
  readonly short?: string;
  readonly words: string;
}

export type Values = Readonly<Record<string, string | boolean | undefined>>;

export interface CommandInput {
  readonly args: readonly string[];
  readonly values: Values;
  readonly out: Output;
}

/** One command: what it is called, what it takes, what it does. */
export interface Command {
  /** One to three words: `doctor`, `user create`, `site secret set`. */
  readonly name: string;
  readonly summary: string;
  /** Names of what stands behind the command; in brackets when it may be left out, the last with `...` when there may be more. */
  readonly args?: readonly string[];
  readonly options?: Readonly<Record<string, OptionSpec>>;
  /** More for the help, in whole sentences. */
  readonly details?: string;
  /** Returns how it ended; nothing means done. Throws CliError or AppError. */
  readonly run: (input: CommandInput) => Promise<Exit | void>;
}

const COMMON: Readonly<Record<string, OptionSpec>> = {
  json: { words: 'Write the result as JSON.' },
  help: { short: 'h', words: 'Show this help.' },
};

const PROGRAM = 'npm run cli --';

function usage(message: string, command?: Command): CliError {
  const more = command ? `${PROGRAM} ${command.name} --help` : `${PROGRAM} --help`;
  return new CliError('usage', `${message} See ${more}.`);
}

function toUsageLine({ name, args = [] }: Command): string {
  return [PROGRAM, name, ...args, '[OPTIONS]'].join(' ');
}

/** Help of one command. */
function toHelp(command: Command): string {
  const options = Object.entries({ ...command.options, ...COMMON }).map(([name, { value, short, words }]) => {
    const left = `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`;
    return `  ${left.padEnd(30)} ${words}`;
  });
  const parts = [command.summary, `  ${toUsageLine(command)}`, ...(command.details ? [command.details] : [])];
  return `${parts.join('\n\n')}\n\nOptions\n${options.join('\n')}\n\n${toExitHelp()}\n`;
}

function toExitHelp(): string {
  const lines = Object.entries(EXIT_WORDS).map(
    ([exit, words]) => `  ${String(EXIT_CODES[exit as Exit]).padEnd(4)} ${words}`, // keys of the same record
  );
  return `Exit codes\n${lines.join('\n')}`;
}

/** Help of the whole program. */
export function toOverview(commands: readonly Command[]): string {
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(22)} ${summary}`);
  return [
    'Administers Siteplan without a browser.',
    `  ${PROGRAM} COMMAND [OPTIONS]`,
    `Commands (each has --help)\n${lines.join('\n')}`,
    'Commands from `login` on talk to a server, with the token of `login` or of --token-file. Those above it work on the\n' +
      'database of this machine: DATABASE_URL, or the embedded one in SITEPLAN_DATA_DIR, running or not. Of them only\n' +
      '`artifacts` works on a folder of the data directory instead: use it on the machine of the worker.',
    `${toExitHelp()}\n`,
  ].join('\n\n');
}

/** The command whose name the words begin with, the longest first, and the words behind it; null when there is none. */
export function findCommand(
  commands: readonly Command[],
  words: readonly string[],
): { command: Command; rest: readonly string[] } | null {
  for (const length of [3, 2, 1]) {
    const command = commands.find(({ name }) => name === words.slice(0, length).join(' '));
    if (command) return { command, rest: words.slice(length) };
  }
  return null;
}

function parse(command: Command, words: readonly string[]): { args: string[]; values: Values } {
  const specs = Object.entries({ ...command.options, ...COMMON });
  const options = Object.fromEntries(
    specs.map(([name, { value, short }]) => [
      name,
      { type: value ? ('string' as const) : ('boolean' as const), ...(short && { short }) },
    ]),
  );
  try {
    const { positionals, values } = parseArgs({ args: [...words], options, allowPositionals: true });
    return { args: positionals, values };
  } catch (cause) {
    // Node's words name the option; a value that was typed by mistake is not repeated.
    const named = /'(-{1,2}[A-Za-z][A-Za-z0-9-]*)/.exec(cause instanceof Error ? cause.message : '')?.[1];
    throw usage(`${named ? `The option ${named}` : 'An option'} is not known or not complete.`, command);
  }
}

/** Parses the words behind a command and runs it. Throws CliError `usage` for words that do not fit. */
export async function runCommand(command: Command, words: readonly string[]): Promise<Exit> {
  const { args, values } = parse(command, words);
  if (values['help'] === true) {
    process.stdout.write(toHelp(command));
    return 'done';
  }
  const wanted = command.args ?? [];
  const required = wanted.filter((name) => !name.startsWith('['));
  const missing = required[args.length];
  if (missing) throw usage(`${missing.replace('...', '')} is missing.`, command);
  const isOpen = wanted.at(-1)?.endsWith('...') ?? false;
  if (args.length > wanted.length && !isOpen)
    throw usage('There is more on the command line than expected.', command);
  const out = new Output(values['json'] === true);
  return (await command.run({ args, values, out })) ?? 'done';
}

/** A string option, or undefined. */
export function optional(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

/** The parts of a list with commas, without the empty ones; undefined where the option is absent. */
export function optionalList(values: Values, name: string): string[] | undefined {
  return optional(values, name)
    ?.split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}

/** A string option that must be there. Throws CliError `usage`. */
export function required(values: Values, name: string): string {
  const value = optional(values, name);
  if (value === undefined) throw usage(`--${name} is missing.`);
  return value;
}
