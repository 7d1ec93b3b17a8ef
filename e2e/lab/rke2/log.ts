type Level = 'debug' | 'info' | 'warning' | 'error' | 'fatal';

/** One line in the form of RKE2's own log, to standard error and so to the journal. */
function write(level: Level, message: string): void {
  const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  process.stderr.write(`time="${time}" level=${level} msg=${JSON.stringify(message)}\n`);
}

export const log = {
  debug: (message: string) => write('debug', message),
  info: (message: string) => write('info', message),
  warn: (message: string) => write('warning', message),
  error: (message: string) => write('error', message),
};

/** Logs at level fatal and ends the process with 1, as RKE2 does; systemd starts it again after 5 s. */
export function exitFatal(message: string): never {
  write('fatal', message);
  process.exit(1);
}

export function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
