import { describe, expect, it } from 'vitest';
import { checkLabSupport } from '@/e2e/lab/support';
import { createHaKillsSoak } from '@/lib/bench/soak/ha-kills';
import { REBOOT } from '@/lib/bench/soak/reboot';

const unsupported = checkLabSupport();

describe.skipIf(unsupported !== null)(`soak on whole hosts${unsupported ? `: ${unsupported}` : ''}`, () => {
  it('reboot: the run waits, and the probe decides what is left to do', async () => {
    expect(await REBOOT.run({ count: 4, say: () => undefined })).toEqual([]);
  });

  it('ha-kills: an HA creation whose workers die comes to the same cluster', async () => {
    const say = (line: string) => process.stdout.write(`${line}\n`);
    expect(await createHaKillsSoak({ ttlMs: 10_000 }).run({ count: 2, say })).toEqual([]);
  });
});
