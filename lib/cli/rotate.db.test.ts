import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withConnection } from '@/lib/db/connect';
import { LOCKS } from '@/lib/db/locks';
import { createKeyFinder, createSealPublicReader } from '@/lib/secrets/keyring';
import { ensureKeys, loadSealPrivateKey, loadSealPublicKey } from '@/lib/secrets/keys';
import { openSealed, seal } from '@/lib/secrets/seal';
import { createCliRig, type CliRig } from '@/lib/testing/cli-rig';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';

/* S3: the seal key is rotated while secrets are read and written, by a command that is killed again and again. */

const SECRETS = 2_000;
const KILLS = 6;
let database: TestDatabase;
let rig: CliRig;
let keysDir: string;

beforeAll(async () => {
  database = await createTestDatabase();
  rig = await createCliRig({ DATABASE_URL: database.ownerUrl });
  keysDir = join(rig.dir, 'keys');
  await ensureKeys(keysDir);
  await store(Array.from({ length: SECRETS }, (_, index) => `k-${String(index).padStart(5, '0')}`));
});
afterAll(async () => {
  await rig.stop();
  await database.drop();
});

/** Stores secrets as the web does: sealed to whatever `seal.pub` says now. */
async function store(ids: readonly string[], key = loadSealPublicKey(keysDir)): Promise<void> {
  const recipient = await key;
  const rows = ids.map((id) => {
    const identity = { id, version: 1, purpose: 'credential', owner: `c-${id}` };
    return {
      ...identity,
      keyId: recipient.keyId,
      sealed: seal(recipient, Buffer.from(`value of ${id}`), identity),
    };
  });
  await database.worker.prisma.secret.createMany({
    data: rows.map((row) => ({ ...row, sealed: Uint8Array.from(row.sealed) })),
  });
}

type Row = Awaited<ReturnType<TestDatabase['worker']['prisma']['secret']['findUniqueOrThrow']>>;

async function openRow(row: Row, find: ReturnType<typeof createKeyFinder>): Promise<string> {
  const key = await find(row.keyId);
  if (!key) throw new Error(`${row.id} is sealed to ${row.keyId}, which is nowhere`);
  return openSealed(key, row.sealed, row).toString('utf8');
}

/** Reads as a worker does that was started before the rotation. Throws for a secret that does not open. */
async function readOne(id: string, find: ReturnType<typeof createKeyFinder>): Promise<string> {
  return openRow(await database.worker.prisma.secret.findUniqueOrThrow({ where: { id } }), find);
}

const keyIds = async () => {
  const rows = await database.worker.prisma.secret.groupBy({ by: ['keyId'], _count: true });
  return new Map(rows.map(({ keyId, _count }) => [keyId, _count]));
};

it('seals everything anew under kills, without a read that fails, and the old key may go', async () => {
  const before = await loadSealPrivateKey(keysDir);
  const find = createKeyFinder(keysDir);
  const readSeal = createSealPublicReader(keysDir, before);
  const stop = new AbortController();
  const failed: unknown[] = [];
  let reads = 0;
  let written = 0;
  const reader = (async () => {
    while (!stop.signal.aborted) {
      const id = `k-${String((reads * 7_919) % SECRETS).padStart(5, '0')}`;
      await readOne(id, find).then(
        (value) => (value === `value of ${id}` ? undefined : failed.push(`${id} holds ${value}`)),
        (error: unknown) => failed.push(error),
      );
      reads += 1;
      if (reads % 50 === 0) await store([`w-${(written += 1)}`], Promise.resolve(readSeal()));
    }
  })();

  // Each kill comes when so many secrets are sealed anew: never at the same place, and never at none.
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const { child, end } = rig.start(['secret', 'rotate']);
    const share = Math.floor((SECRETS * kill) / (KILLS + 2));
    await waitFor(
      async () => {
        const current = (await loadSealPrivateKey(keysDir)).keyId;
        return (
          child.exitCode !== null ||
          (current !== before.keyId && ((await keyIds()).get(current) ?? 0) >= share)
        );
      },
      { what: `${share} secrets to be sealed anew`, timeoutMs: 60_000 },
    );
    child.kill('SIGKILL');
    await end;
  }
  const last = await rig.run(['secret', 'rotate', '--json']);
  stop.abort();
  await reader;
  expect(last).toMatchObject({ code: 0, stderr: '' });
  expect(failed).toEqual([]);
  expect(reads).toBeGreaterThan(100);

  const current = await loadSealPrivateKey(keysDir);
  expect(current.keyId).not.toBe(before.keyId);
  expect((await loadSealPublicKey(keysDir)).keyId).toBe(current.keyId);
  const again = await rig.run(['secret', 'remove-old-keys']);
  expect(again.code === 0 || again.stderr.includes('Run first: secret rotate.')).toBe(true);
});

it('keeps the old key while anything needs it, and opens everything without it afterwards', async () => {
  const old = await loadSealPrivateKey(keysDir);
  await store(['late']);
  const prepared = await rig.run(['secret', 'rotate', '--prepare']);
  expect(prepared).toMatchObject({ code: 0 });
  expect(await readdir(keysDir)).toContain('seal-next.key');
  expect((await loadSealPrivateKey(keysDir)).keyId).toBe(old.keyId);
  const early = await rig.run(['secret', 'remove-old-keys']);
  expect(early).toMatchObject({ code: 1 });
  expect(early.stderr).toContain('A rotation was begun');
  expect(await rig.run(['secret', 'rotate'])).toMatchObject({ code: 0 });
  expect((await loadSealPrivateKey(keysDir)).keyId).not.toBe(old.keyId);
  // A web machine that still has the old seal.pub.
  await store(['later'], Promise.resolve(old));
  const refused = await rig.run(['secret', 'remove-old-keys']);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain('still sealed to another key. Run first: secret rotate.');
  expect(await rig.run(['secret', 'rotate'])).toMatchObject({ code: 0 });
  expect(await rig.run(['secret', 'remove-old-keys'])).toMatchObject({ code: 0 });
  expect((await readdir(keysDir)).filter((name) => name.startsWith('seal'))).toEqual([
    'seal.key',
    'seal.pub',
  ]);

  const find = createKeyFinder(keysDir);
  const all = await database.worker.prisma.secret.findMany();
  expect(all.length).toBeGreaterThan(SECRETS);
  for (const row of all) expect(await openRow(row, find)).toBe(`value of ${row.id}`);
  const rows = await database.web.prisma.audit.findMany({ where: { action: { startsWith: 'secret.' } } });
  expect(new Set(rows.map(({ action }) => action))).toEqual(
    new Set(['secret.rotate', 'secret.remove-old-keys']),
  );
});

it('names what no key opens, and leaves it as it is', async () => {
  const other = join(rig.dir, 'other');
  await ensureKeys(other);
  await store(['foreign'], loadSealPublicKey(other));
  const { code, stderr } = await rig.run(['secret', 'rotate']);
  expect(code).toBe(1);
  expect(stderr).toContain("1 secret can't be opened by any key in");
  const row = await database.worker.prisma.secret.findUniqueOrThrow({ where: { id: 'foreign' } });
  expect(row.keyId).toBe((await loadSealPublicKey(other)).keyId);
  const doctor = await rig.run(['doctor', '--json']);
  expect(doctor.stdout).toContain('1 secret sealed to a key that is not here');
});

it('makes a new key and removes the old one beside a secret that no key opens', async () => {
  const { keyId: before } = await loadSealPrivateKey(keysDir);
  expect(await rig.run(['secret', 'rotate'])).toMatchObject({ code: 1 });
  expect((await loadSealPrivateKey(keysDir)).keyId).not.toBe(before);
  const removed = await rig.run(['secret', 'remove-old-keys', '--json']);
  expect(removed).toMatchObject({ code: 0 });
  expect(removed.stdout).toContain(before);
});

it('waits for another command that changes the keys, and then says so', async () => {
  const { keyId } = await loadSealPrivateKey(keysDir);
  await withConnection(database.worker.pool, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [LOCKS.sealKeys]);
    const both = await Promise.all([rig.run(['secret', 'rotate']), rig.run(['secret', 'remove-old-keys'])]);
    for (const { code, stderr } of both) {
      expect(code).toBe(1);
      expect(stderr).toContain('Another command changes the seal keys.');
    }
    await client.query('SELECT pg_advisory_unlock($1)', [LOCKS.sealKeys]);
  });
  expect((await loadSealPrivateKey(keysDir)).keyId).toBe(keyId);
});
