import { expect, it } from 'vitest';
import { createKillsSoak } from './kills';

const QUICK = createKillsSoak({ ttlMs: 2_000, lanes: 3, slackMs: 10_000 });

it('a run survives kill -9 of its worker at every named moment and at random ones', async () => {
  expect(await QUICK.run({ count: 9, say: () => undefined })).toEqual([]);
});
