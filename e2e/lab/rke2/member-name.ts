import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from './layout';
import type { Settings } from './settings';

/** A member keeps its name for life: node name and eight hex digits (facts 3.2). */
export function readMemberName(settings: Settings, layout: Layout): string {
  const path = join(layout.etcdDir, 'name');
  mkdirSync(layout.etcdDir, { recursive: true, mode: 0o700 });
  if (!existsSync(path))
    writeFileSync(path, `${settings.nodeName}-${randomBytes(4).toString('hex')}`, { mode: 0o600 });
  return readFileSync(path, 'utf8').trim();
}
