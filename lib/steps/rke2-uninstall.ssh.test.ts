import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findShells, runStepPart } from '@/lib/testing/run-step';
import { rke2Uninstall } from './rke2-uninstall';
import { PROBE_NEEDED, PROBE_SATISFIED } from './step-kind';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'siteplan-uninstall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, content: string, mode = 0o600): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content, { mode });
}

const STATE = 'var/lib/siteplan-host';

describe.each(findShells().map((shell) => ({ name: shell.join(' '), shell })))(
  'the uninstall with $name',
  ({ shell }) => {
    const run = (part: 'probe' | 'act' | 'verify') =>
      runStepPart(rke2Uninstall, part, { shell, root, params: {} });

    it('takes the downloads along, and leaves the fence, the runner and the journals', async () => {
      for (const name of ['killall', 'uninstall']) put(`usr/local/bin/rke2-${name}.sh`, 'exit 0\n', 0o755);
      put('usr/local/bin/rke2', 'x', 0o755);
      put('var/lib/rancher/rke2/server/db/x', 'x');
      put(`${STATE}/artifacts/v1.35.7+rke2r1/rke2.linux-amd64.tar.gz.part`, 'x');
      put(`${STATE}/incoming/.siteplan-upload-abc.x`, 'x');
      put(`${STATE}/stamps/rke2-ready`, 'x');
      for (const kept of ['fence', 'runner-abc', 'acts/key/journal']) put(`${STATE}/${kept}`, 'x');
      expect((await run('probe')).code).toBe(PROBE_NEEDED);
      expect(await run('act')).toMatchObject({ code: 0, stderr: '' });
      expect(readdirSync(join(root, STATE)).sort()).toEqual(['acts', 'fence', 'runner-abc']);
      expect(existsSync(join(root, STATE, 'acts/key/journal'))).toBe(true);
      expect((await run('verify')).code).toBe(0);
      expect((await run('probe')).code).toBe(PROBE_SATISFIED);
    });

    it('has something to do while downloads are left', async () => {
      put(`${STATE}/artifacts/v1.35.7+rke2r1/sha256sum-amd64.txt`, 'x');
      expect(await run('probe')).toMatchObject({
        code: PROBE_NEEDED,
        stdout: 'downloads for this cluster are left\n',
      });
    });
  },
);
