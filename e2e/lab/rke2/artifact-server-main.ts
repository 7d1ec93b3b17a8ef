import { renameSync, writeFileSync } from 'node:fs';
import { serveArtifacts } from './artifact-server';

/** Serves the folder argv[2] at address argv[3] and writes its URL to the file argv[4], until it is killed. */
async function main([dir = '', address = '', urlFile = '']: readonly string[]): Promise<void> {
  const server = await serveArtifacts(dir, address);
  writeFileSync(`${urlFile}.new`, server.url);
  renameSync(`${urlFile}.new`, urlFile);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
