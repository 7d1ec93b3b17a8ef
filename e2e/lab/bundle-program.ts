import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface BundleOptions {
  /** Such as `node18`. */
  target: string;
  /** First line of the program. */
  banner?: string;
  define?: Record<string, string>;
}

/** The repository's root, found from this file or from the bundle it was built into. */
function findRepoRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'e2e', 'lab', 'bundle-program.ts'))) {
    if (folder === dirname(folder)) throw new Error("the lab's sources are not beside this program");
    folder = dirname(folder);
  }
  return folder;
}

/**
 * Turns one TypeScript file of the repository (`entry`, a path from its root) and all it imports into the text of a
 * CommonJS program that needs nothing but Node. Rejects with the bundler's message.
 */
export async function bundleProgram(entry: string, options: BundleOptions): Promise<string> {
  const root = findRepoRoot();
  const result = await build({
    entryPoints: [join(root, entry)],
    absWorkingDir: root,
    alias: { '@': root },
    bundle: true,
    write: false,
    platform: 'node',
    target: options.target,
    format: 'cjs',
    banner: { js: options.banner ?? '' },
    define: options.define ?? {},
    logLevel: 'silent',
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error(`bundling ${entry} gave no output`);
  return output.text;
}
