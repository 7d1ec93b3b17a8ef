import { describe, expect, it } from 'vitest';
import { checkLabSupport } from '@/e2e/lab/support';
import { REBOOT } from '@/lib/bench/soak/reboot';

const unsupported = checkLabSupport();

describe.skipIf(unsupported !== null)(`soak on whole hosts${unsupported ? `: ${unsupported}` : ''}`, () => {
  it('reboot: the run waits, and the probe decides what is left to do', async () => {
    expect(await REBOOT.run({ count: 4, say: () => undefined })).toEqual([]);
  });
});
