const VARIABLE_NAME = /^[a-z][a-z0-9_]*$/;

/**
 * The one function that puts a value into shell text: single quotes, within which a POSIX shell expands nothing, so
 * that newlines, `$( )`, backticks and leading dashes are plain characters. Throws on NUL, which no shell can hold.
 */
export function quoteShell(value: string): string {
  if (value.includes('\0')) throw new Error('a shell value cannot hold NUL');
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/**
 * Assignments `sp_NAME='VALUE'`, one after the other in the order of the names, to stand before a constant script.
 * The prefix keeps a value from ever becoming `PATH` or `IFS`. Throws on a name that is not [a-z][a-z0-9_]*.
 */
export function toShellAssignments(variables: Readonly<Record<string, string>>): string {
  return Object.keys(variables)
    .sort()
    .map((name) => {
      if (!VARIABLE_NAME.test(name)) throw new Error(`not a variable name: ${JSON.stringify(name)}`);
      return `sp_${name}=${quoteShell(variables[name] ?? '')}\n`;
    })
    .join('');
}
