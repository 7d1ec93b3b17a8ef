import { stat, statfs } from 'node:fs/promises';
import { fail, ok, warn, type DoctorLine } from './line';

const GIB = 1_024 ** 3;
/** Less than this, and PostgreSQL may stop at the next checkpoint. */
const MIN_FREE_GIB = 1;
const GOOD_FREE_GIB = 5;

/** The Node that runs this (package.json, engines: 20.19). */
export function checkNode(version: string): DoctorLine {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew = major > 20 || (major === 20 && minor >= 19);
  return isNew
    ? ok('Node', version)
    : fail('Node', `${version} is too old`, 'Install Node 20.19 or newer, then start again.');
}

/** The directory that holds the embedded database, keys and artifacts: there, its owner's alone to write, with room. */
export async function checkDataDir(dataDir: string): Promise<DoctorLine[]> {
  const found = await stat(dataDir).catch(() => null);
  if (!found?.isDirectory()) {
    const fix = 'Set SITEPLAN_DATA_DIR as the server has it, or start Siteplan once.';
    return [fail('data directory', `${dataDir} is not there`, fix)];
  }
  const mode = (found.mode & 0o777).toString(8).padStart(4, '0');
  const isOpen = (found.mode & 0o022) !== 0;
  const own = isOpen
    ? fail('data directory', `others may write to ${dataDir} (mode ${mode})`, `chmod go-w ${dataDir}`)
    : ok('data directory', `${dataDir}, mode ${mode}`);
  return [own, await checkSpace(dataDir)];
}

async function checkSpace(dataDir: string): Promise<DoctorLine> {
  const { bavail, bsize } = await statfs(dataDir);
  const freeGiB = (bavail * bsize) / GIB;
  const words = `${freeGiB.toFixed(1)} GiB free for ${dataDir}`;
  const fix = 'Make room: the database stops when there is none left.';
  if (freeGiB < MIN_FREE_GIB) return fail('disk space', words, fix);
  return freeGiB < GOOD_FREE_GIB ? warn('disk space', words, fix) : ok('disk space', words);
}
