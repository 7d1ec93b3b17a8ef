import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSshd, type TestSshd } from '@/lib/testing/sshd';
import { connectHost, type HostConnection } from './connect-host';

let sshd: TestSshd;
let connection: HostConnection;
const policy = { allow: ['127.0.0.0/8'] };
beforeAll(async () => {
  sshd = await startSshd();
  connection = await connectHost(sshd.target, { policy });
});
afterAll(async () => {
  connection.close();
  await sshd.stop();
});

describe('framed shell', () => {
  it('runs', async () => {
    const shell = connection.openShell();
    const t = performance.now();
    const r = await shell.run({
      script: 'printf "%s" "$sp_a"; cat; echo err >&2; exit 3',
      variables: { a: "x'y\n" },
      payload: Buffer.from([0, 1, 2, 255]),
      timeoutMs: 5000,
    });
    console.log(performance.now() - t, r);
    const t2 = performance.now();
    for (let i = 0; i < 200; i++) await shell.run({ script: 'true', timeoutMs: 5000 });
    console.log('200', performance.now() - t2);
    const t3 = performance.now();
    await shell.run({ script: 'sleep 100', timeoutMs: 500 }).catch((e) => console.log(e.failure));
    console.log('hang', performance.now() - t3);
    console.log((await shell.run({ script: 'pgrep -f "sleep 100"', timeoutMs: 5000 })).stdout.toString());
    const s = await connection.stream({
      script: 'echo hi; sleep 0.1; echo there; exit 4',
      onData: (c) => console.log(c.toString()),
    });
    console.log(await s.done);
    console.log(
      await connection.upload(Buffer.alloc(3_000_000, 7), { path: sshd.dir + '/up', mode: '0640' }),
    );
    console.log(
      await connection.upload(Buffer.alloc(3_000_000, 7), { path: sshd.dir + '/up', mode: '0640' }),
    );
    shell.close();
    expect(1).toBe(1);
  });
});
