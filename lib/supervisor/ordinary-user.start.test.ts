import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startSiteplan, waitUntilReady, type SiteplanProcess } from '@/lib/testing/siteplan-process';

/** `nobody` and its group on Debian: no rights anywhere. */
const NOBODY = { uid: 65_534, gid: 65_534 };
const LEFT_OUT = ['node_modules', '.next', '.build', '.git', '.siteplan', 'test-results'];

const clone = mkdtempSync(join(tmpdir(), 'siteplan-clone-'));
let siteplan: SiteplanProcess | undefined;

afterAll(async () => {
  await siteplan?.killAll().catch(() => undefined);
  rmSync(clone, { recursive: true, force: true });
});

function chownTree(path: string): void {
  chownSync(path, NOBODY.uid, NOBODY.gid);
  if (!statSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) chownTree(join(path, name));
}

it('serves for an ordinary user, with data in the clone and nothing as root', async () => {
  const isRoot = process.getuid?.() === 0;
  for (const name of readdirSync('.').filter((entry) => !LEFT_OUT.includes(entry))) {
    cpSync(name, join(clone, name), { recursive: true });
  }
  if (isRoot) chownTree(clone);
  chmodSync(clone, 0o755);
  // Installed packages as hard links: the same files, without a second download.
  execFileSync('cp', ['-al', join(process.cwd(), 'node_modules'), join(clone, 'node_modules')]);
  siteplan = await startSiteplan({
    cwd: clone,
    dataDir: join(clone, '.siteplan'),
    env: { HOME: clone, SITEPLAN_DATA_DIR: '' },
    ...(isRoot && { asUser: NOBODY }),
  });
  await waitUntilReady(siteplan, 200_000);
  expect(siteplan.setupUrl()).toMatch(/\/setup\?token=/);
  for (const [name, pid] of Object.entries(siteplan.pids())) {
    const uid = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    expect(Number(uid), name).toBe(isRoot ? NOBODY.uid : process.getuid?.());
  }
  expect(statSync(join(clone, '.siteplan')).mode & 0o777).toBe(0o700);
  expect(await siteplan.stop()).toBe(0);
});
