/** What follows a subcommand: `--flag=value`, `--flag value`, bare flags, and everything else as arguments. */
export interface CommandOptions {
  flags: Map<string, string>;
  rest: string[];
}

/**
 * Takes a command line apart. Flags in `bare` take no value; a flag in neither list throws
 * `flag provided but not defined`, as RKE2's own parser does.
 */
export function parseCommandOptions(
  argv: readonly string[],
  valued: readonly string[],
  bare: readonly string[] = [],
): CommandOptions {
  const flags = new Map<string, string>();
  const rest: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const arg = argv[index] ?? '';
    const [, name, inline] = /^--?([a-z][^=]*)(?:=([\s\S]*))?$/.exec(arg) ?? [];
    if (name === undefined) {
      rest.push(arg);
      continue;
    }
    if (bare.includes(name)) flags.set(name, inline ?? 'true');
    else if (!valued.includes(name)) throw new Error(`flag provided but not defined: -${name}`);
    else if (inline !== undefined) flags.set(name, inline);
    else {
      const value = argv[index + 1];
      if (value === undefined) throw new Error(`flag needs an argument: -${name}`);
      flags.set(name, value);
      index += 1;
    }
  }
  return { flags, rest };
}
