/**
 * The environment for a child process: ours, less what only the first start needs (the administrator's password),
 * with `overrides`.
 */
export function toChildEnv(overrides: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { SITEPLAN_ADMIN_EMAIL: _email, SITEPLAN_ADMIN_PASSWORD: _password, ...inherited } = process.env;
  return { ...inherited, ...overrides };
}
