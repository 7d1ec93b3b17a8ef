import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findShells, runStepPart } from '@/lib/testing/run-step';
import { listValueNames, STEP_CONSTANTS, STEP_PARAMS, STEP_VERSION } from '@/lib/testing/step-params';
import { STEP_KINDS, type StepKindName } from './catalogue';

const HOSTILE = [
  '$(touch marker)',
  '`touch marker`',
  `'; touch marker; '`,
  '"; touch marker; "',
  'x; touch marker; #',
  'a\ntouch marker\n',
  '| touch marker',
  '&& touch marker &',
  'a[$(touch marker)]',
  '-oProxyCommand=touch marker',
  '--checkpoint-action=exec=touch marker',
  '${IFS}touch${IFS}marker',
  '*',
];

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'siteplan-hostile-'));
  for (const path of [
    'a/b',
    'var/lib/siteplan-host/stamps/x',
    `var/lib/siteplan-host/artifacts/${STEP_VERSION}/f`,
  ]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), 'kernel.x = 1\n');
  }
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A hostile value stands in a path below the root, so that a part of it cannot lead out by being relative. */
function toOverride(name: string, value: string): string {
  return name === 'path' ? `/a/${value}` : value;
}

describe.each(Object.values(STEP_KINDS).map((kind) => ({ name: kind.kind as StepKindName, kind })))(
  '$name', // the catalogue's keys are its kinds (host.ssh.test.ts)
  ({ name, kind }) => {
    const names = listValueNames(kind);
    const parts = ['probe', 'act', 'verify'] as const;

    it('takes every variable as data, alone and all at once, in every shell', async () => {
      const alone = names.map((variable) => ({ [variable]: toOverride(variable, HOSTILE.join('\n')) }));
      const together = HOSTILE.map((value) =>
        Object.fromEntries(names.map((variable) => [variable, toOverride(variable, value)])),
      );
      for (const [index, overrides] of [...alone, ...together].entries()) {
        const shells = findShells();
        const shell = shells[index % shells.length] ?? shells[0];
        if (!shell) throw new Error('there is a shell');
        for (const part of parts) {
          const result = await runStepPart(kind, part, {
            shell,
            root,
            params: STEP_PARAMS[name],
            overrides: { ...overrides, ...STEP_CONSTANTS },
          });
          expect([0, 1, 2, 10, 22, 126, 127], result.stderr).toContain(result.code);
        }
      }
      const made = [join(root, 'marker'), '/marker', '/root/marker', '/tmp/marker'].filter((path) =>
        existsSync(path),
      );
      expect(made).toEqual([]);
    });
  },
);
