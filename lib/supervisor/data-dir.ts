import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';

/** A data directory that another start holds; the message is for the person who started the second one. */
export class DataDirInUseError extends Error {
  constructor(dataDir: string) {
    super(
      `Another Siteplan is already running on ${dataDir}. Stop it first, or give this one a SITEPLAN_DATA_DIR and a PORT of its own.`,
    );
    this.name = 'DataDirInUseError';
  }
}

/**
 * Makes the data directory. As root others may pass it (0711), because PostgreSQL runs as a user of its own; what is
 * secret lies in subdirectories of 0700.
 */
export async function prepareDataDir(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  await chmod(dataDir, process.getuid?.() === 0 ? 0o711 : 0o700);
  await mkdir(join(dataDir, 'artifacts'), { recursive: true, mode: 0o700 });
}

async function readLockName(dataDir: string): Promise<string> {
  const path = join(dataDir, 'lock-name');
  const made = randomBytes(16).toString('hex');
  await writeFile(path, made, { flag: 'wx', mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return (await readFile(path, 'utf8')).trim() || made;
}

function listen(path: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(null) : reject(error),
    );
    server.listen(path, () => resolve(server));
    server.unref();
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path, () => resolve(true));
    socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
  });
}

/**
 * Holds the data directory for this process. The lock is a listening socket, so the kernel gives it back whatever
 * ends the process: on Linux an abstract one under an unguessable name, elsewhere a file that a dead holder leaves
 * behind and that is recognised by nobody answering. Throws DataDirInUseError when somebody else holds it.
 */
export async function lockDataDir(dataDir: string): Promise<() => void> {
  const isLinux = process.platform === 'linux';
  const path = isLinux ? `\0siteplan-${await readLockName(dataDir)}` : join(dataDir, 'lock.sock');
  let server = await listen(path);
  if (!server && !isLinux && !(await answers(path))) {
    await rm(path, { force: true });
    server = await listen(path);
  }
  if (!server) throw new DataDirInUseError(dataDir);
  const held = server;
  return () => held.close();
}
