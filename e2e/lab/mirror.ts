import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@/lib/testing/wait-for';
import { bundleProgram } from './bundle-program';
import { findProcess, isRunning } from './process-identity';
import type { ProcessIdentity } from './process-identity';
import { buildArtifacts } from './rke2/artifacts';

/**
 * Builds the stand-in's artifacts below `labDir` and serves them at `address` from a process of its own, which lives
 * until it is killed. Rejects with its last words when it does not start.
 */
export async function startMirror(
  labDir: string,
  address: string,
): Promise<{ url: string; process: ProcessIdentity }> {
  const artifacts = join(labDir, 'artifacts');
  await buildArtifacts(artifacts);
  const program = join(labDir, 'artifact-server.cjs');
  await writeFile(program, await bundleProgram('e2e/lab/rke2/artifact-server-main.ts', { target: 'node20' }));
  const [urlFile, logFile] = [join(labDir, 'artifacts.url'), join(labDir, 'artifacts.log')];
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(process.execPath, [program, artifacts, address, urlFile], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  const identity = child.pid === undefined ? null : findProcess(child.pid);
  if (identity === null) throw new Error('the artifact server did not start');
  const readUrl = async () => {
    const url = await readFile(urlFile, 'utf8').catch(() => null);
    return url ?? (isRunning(identity) ? null : 'ended');
  };
  const url = await waitFor(readUrl, { what: 'the artifact server' });
  if (url === 'ended') throw new Error(`the artifact server ended: ${await readFile(logFile, 'utf8')}`);
  return { url, process: identity };
}
