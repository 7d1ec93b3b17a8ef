import { join, resolve } from 'node:path';
import { z } from 'zod';

/** What the process is told from outside, checked once. */
export interface Env {
  readonly port: number;
  readonly host: string;
  /** Null means the embedded database. */
  readonly databaseUrl: string | null;
  readonly dataDir: string;
  readonly keysDir: string;
  readonly admin: { readonly email: string; readonly password: string } | null;
  /** Origin without a trailing slash: `https://siteplan.example.net`. */
  readonly publicUrl: string;
  readonly tls: { readonly certPath: string; readonly keyPath: string } | null;
  /** Plain http beyond loopback was asked for: every page warns. */
  readonly insecureHttp: boolean;
  /** Folder of the lab's state; null means the lab's own default. */
  readonly labDir: string | null;
  /** Forwarded headers of the proxy in front are believed. */
  readonly trustProxy: boolean;
  /** Networks that SSH may reach although they are refused by default (loopback, link-local). */
  readonly sshAllow: readonly string[];
  /** Socket of the ssh-agent that workers may sign in with; null means none. */
  readonly sshAgent: string | null;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly isDevelopment: boolean;
}

/** What a default may depend on besides the variables. */
export interface EnvHost {
  readonly isRoot: boolean;
  readonly cwd: string;
}

/** A variable that stops the start; the message is one line for the person who set it. */
export class EnvError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EnvError';
  }
}

const Flag = z.enum(['', '0', '1'], { error: 'must be 1, 0 or unset' }).optional();

const Source = z.object({
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port number')
    .transform(Number)
    .refine((port) => port <= 65_535, 'must be a port number')
    .default(3000),
  HOST: z
    .string()
    .regex(/^[A-Za-z0-9.:-]+$/, 'must be an address or a host name')
    .default('127.0.0.1'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\/\S+$/, 'must start with postgresql://')
    .optional(),
  SITEPLAN_DATA_DIR: z.string().min(1).optional(),
  SITEPLAN_KEYS_DIR: z.string().min(1).optional(),
  SITEPLAN_ADMIN_EMAIL: z.email('must be an e-mail address').optional(),
  SITEPLAN_ADMIN_PASSWORD: z
    .string()
    .min(12, 'must have at least 12 characters')
    .max(128, 'must have at most 128 characters')
    .optional(),
  SITEPLAN_PUBLIC_URL: z.string().optional(),
  SITEPLAN_TLS_CERT: z.string().min(1).optional(),
  SITEPLAN_TLS_KEY: z.string().min(1).optional(),
  SITEPLAN_INSECURE_HTTP: Flag,
  SITEPLAN_TRUST_PROXY: Flag,
  SITEPLAN_LAB_DIR: z.string().min(1).optional(),
  SITEPLAN_SSH_ALLOW: z
    .string()
    .regex(
      /^[0-9a-fA-F.:]+\/\d{1,3}(,[0-9a-fA-F.:]+\/\d{1,3})*$/,
      'must be networks such as 127.0.0.0/8, separated by commas',
    )
    .optional(),
  SITEPLAN_SSH_AGENT: z.string().startsWith('/', 'must be the absolute path of a socket').optional(),
  SITEPLAN_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
      error: 'must be trace, debug, info, warn, error or silent',
    })
    .default('info'),
  NODE_ENV: z.string().optional(),
});

/** True for 127.0.0.0/8, ::1 and localhost. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

function together(values: z.infer<typeof Source>, a: keyof typeof values, b: keyof typeof values): void {
  const [set, unset] = values[a] === undefined ? [b, a] : [a, b];
  if (values[set] !== undefined && values[unset] === undefined) {
    throw new EnvError(`${set} is set, so ${unset} must be set too.`);
  }
}

function toPublicUrl(values: z.infer<typeof Source>): string {
  const scheme = values.SITEPLAN_TLS_CERT ? 'https' : 'http';
  const host = values.HOST.includes(':') ? `[${values.HOST}]` : values.HOST;
  const text = values.SITEPLAN_PUBLIC_URL ?? `${scheme}://${host}:${values.PORT}`;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new EnvError('SITEPLAN_PUBLIC_URL must be an http or https URL.');
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new EnvError(
      'SITEPLAN_PUBLIC_URL must be an origin: no path, query or user, such as https://siteplan.example.net.',
    );
  }
  return url.origin;
}

function refuseOpenHttp(values: z.infer<typeof Source>, publicUrl: string): void {
  if (isLoopback(values.HOST) || publicUrl.startsWith('https:') || values.SITEPLAN_INSECURE_HTTP === '1')
    return;
  throw new EnvError(
    `HOST ${values.HOST} is reachable from other machines, so SITEPLAN_PUBLIC_URL must be an https URL` +
      ' (or set SITEPLAN_INSECURE_HTTP=1 to send passwords in the clear, for a lab).',
  );
}

/**
 * Reads the variables of DESIGN.md section 4 from a record. Empty values count as unset. Throws an EnvError that
 * names the first bad variable in one line; never repeats a value, because it may be a password.
 */
export function readEnv(source: Readonly<Record<string, string | undefined>>, host: EnvHost): Env {
  const stated = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ''));
  const parsed = Source.safeParse(stated);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new EnvError(`${issue?.path.join('.') ?? 'the environment'} ${issue?.message ?? 'is not valid'}.`);
  }
  const values = parsed.data;
  together(values, 'SITEPLAN_ADMIN_EMAIL', 'SITEPLAN_ADMIN_PASSWORD');
  together(values, 'SITEPLAN_TLS_CERT', 'SITEPLAN_TLS_KEY');
  const publicUrl = toPublicUrl(values);
  refuseOpenHttp(values, publicUrl);
  const dataDir = resolve(
    host.cwd,
    values.SITEPLAN_DATA_DIR ?? (host.isRoot ? '/var/lib/siteplan' : '.siteplan'),
  );
  return {
    port: values.PORT,
    host: values.HOST,
    databaseUrl: values.DATABASE_URL ?? null,
    dataDir,
    keysDir: values.SITEPLAN_KEYS_DIR ? resolve(host.cwd, values.SITEPLAN_KEYS_DIR) : join(dataDir, 'keys'),
    admin:
      values.SITEPLAN_ADMIN_EMAIL && values.SITEPLAN_ADMIN_PASSWORD
        ? { email: values.SITEPLAN_ADMIN_EMAIL, password: values.SITEPLAN_ADMIN_PASSWORD }
        : null,
    publicUrl,
    tls:
      values.SITEPLAN_TLS_CERT && values.SITEPLAN_TLS_KEY
        ? {
            certPath: resolve(host.cwd, values.SITEPLAN_TLS_CERT),
            keyPath: resolve(host.cwd, values.SITEPLAN_TLS_KEY),
          }
        : null,
    insecureHttp: !isLoopback(values.HOST) && !publicUrl.startsWith('https:'),
    labDir: values.SITEPLAN_LAB_DIR ? resolve(host.cwd, values.SITEPLAN_LAB_DIR) : null,
    sshAllow: values.SITEPLAN_SSH_ALLOW?.split(',') ?? [],
    sshAgent: values.SITEPLAN_SSH_AGENT ?? null,
    trustProxy: values.SITEPLAN_TRUST_PROXY === '1',
    logLevel: values.SITEPLAN_LOG_LEVEL,
    isDevelopment: values.NODE_ENV === 'development',
  };
}

let cached: Env | undefined;

/** This process's environment, parsed on first use. Throws an EnvError when a variable is bad. */
export function env(): Env {
  cached ??= readEnv(process.env, { isRoot: process.getuid?.() === 0, cwd: process.cwd() });
  return cached;
}
