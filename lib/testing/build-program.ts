import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

export interface BuiltProgram {
  /** Path of the program; run it with Node from the root of the repository. */
  readonly path: string;
  readonly remove: () => Promise<void>;
}

/** Bundles one TypeScript file of the repository (`entry`, from its root) into a program for a process of its own. */
export async function buildProgram(entry: string): Promise<BuiltProgram> {
  const parent = join(process.cwd(), '.build');
  await mkdir(parent, { recursive: true });
  const dir = await mkdtemp(join(parent, 'program-'));
  const path = join(dir, 'program.mjs');
  await build({
    entryPoints: [join(process.cwd(), entry)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    alias: { '@': process.cwd() },
    outfile: path,
    logLevel: 'error',
  });
  return { path, remove: () => rm(dir, { recursive: true, force: true }) };
}
