import { open } from 'node:fs/promises';

/** Makes what was linked or renamed in a directory stay so through a loss of power. */
export async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(/* turbopackIgnore: true */ dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
