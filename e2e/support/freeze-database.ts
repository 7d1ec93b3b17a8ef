import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const SESSIONS = /^postgres: siteplan\w* /;

/** Stops the embedded PostgreSQL of a data dir where it stands and ends its sessions; returns how to let it go on. */
export function freezeDatabase(dataDir: string): () => void {
  const [line = ''] = readFileSync(join(dataDir, 'postgres/postmaster.pid'), 'utf8').split('\n');
  const postmaster = Number(line);
  if (!(postmaster > 1)) throw new Error('the database of this data dir does not run');
  process.kill(postmaster, 'SIGSTOP');
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim().split(' ');
  for (const pid of children.map(Number)) {
    if (SESSIONS.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))) process.kill(pid, 'SIGTERM');
  }
  return () => process.kill(postmaster, 'SIGCONT');
}
