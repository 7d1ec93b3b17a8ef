import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startLab } from './lab';

/** A process that starts a lab and then waits to be killed, for the test of what a crash leaves behind. */
async function main(): Promise<void> {
  const lab = await startLab({ name: 'test-crash', hosts: [{ name: 's1' }] });
  writeFileSync(join(lab.dir, 'up'), '');
  await new Promise(() => process.stdin.resume());
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
