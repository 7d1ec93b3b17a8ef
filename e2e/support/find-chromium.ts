import { existsSync } from 'node:fs';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Path of the system's Chromium; Playwright's own download is never used. */
export function findChromium(): string {
  const found = PLACES.find((path) => existsSync(path));
  if (!found) throw new Error(`There is no Chromium in ${PLACES.join(', ')}.`);
  return found;
}
