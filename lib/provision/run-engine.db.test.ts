import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngineRig } from '@/lib/testing/engine-rig';
import { startFakeHost, type FakeHost } from '@/lib/testing/fake-host';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';

let test: TestDatabase;
let host: FakeHost;
beforeAll(async () => {
  test = await createTestDatabase();
  host = await startFakeHost('s1');
});
afterAll(async () => {
  await host.stop();
  await test.drop();
});

describe('run engine', () => {
  it('runs', async () => {
    const rig = await createEngineRig(
      test.worker,
      [{ nodeId: 'n-1', target: host.target, root: host.root }],
      [
        { nodeId: 'n-1', params: { name: 'a' } },
        { nodeId: 'n-1', params: { name: 'b' } },
      ],
    );
    const t = performance.now();
    const state = await rig.execute();
    console.log(performance.now() - t);
    console.log(await rig.events());
    console.log(await rig.ledgerOf('n-1'));
    expect(state).toBe('done');
  });
});
