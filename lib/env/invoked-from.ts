/** The directory in which a person called the program: npm scripts and bootstrap.mjs run in the project's. */
export function invokedFrom(): string {
  return process.env['INIT_CWD'] || process.cwd();
}
