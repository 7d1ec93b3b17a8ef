import { chmod, copyFile, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isPassword } from '@/lib/auth/accounts';
import { sha256Hex } from '@/lib/core/hash';
import { ensureKeys } from '@/lib/secrets/keys';
import { toTokenHash } from '@/lib/secrets/opaque-token';
import { createCliRig, type CliRig } from '@/lib/testing/cli-rig';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { COMMANDS } from './cli-main';

/* The real program against a real database: commands that need no server. */

const PASSWORD = 'correct horse battery';
let database: TestDatabase;
let rig: CliRig;
let keysDir: string;

beforeAll(async () => {
  database = await createTestDatabase();
  rig = await createCliRig({ DATABASE_URL: database.ownerUrl });
  keysDir = join(rig.dir, 'keys');
  await ensureKeys(keysDir);
  await rig.file('password', `${PASSWORD}\n`);
});
afterAll(async () => {
  await rig.stop();
  await database.drop();
});

describe('the command line', () => {
  it('has help for itself and for each command, which names no option that is not there', async () => {
    const overview = await rig.run(['--help']);
    expect(overview.code).toBe(0);
    for (const { name } of COMMANDS) expect(overview.stdout).toContain(`  ${name} `);
    expect(overview.stdout).toContain('`artifacts` works on a folder of the data directory');
    const helps = await Promise.all(
      ['doctor', 'user create', 'run'].map((name) => rig.run([...name.split(' '), '--help'])),
    );
    expect(helps.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(helps[1]?.stdout).toContain('--password-file FILE');
    expect(helps[2]?.stdout).toContain('Ctrl-C stops following, not the run.');
  });

  it.each([
    [[], ''],
    [['nonsense'], 'There is no command nonsense.'],
    [['user'], 'There is no command user alone. Use one of: user create'],
    [['user', 'create'], 'EMAIL is missing.'],
    [['user', 'create', 'a@example.net', 'b'], 'There is more on the command line than expected.'],
    [['user', 'create', 'a@example.net', '--password=hunter2'], 'The option --password is not known'],
    [['user', 'create', 'a@example.net', '--role', 'king'], '--role must be admin, operator or viewer.'],
    [['user', 'create', 'a@example.net', '--site', 'a b'], '--site wants the id of a site.'],
  ])('ends with 2 and one sentence for %j', async (words, sentence) => {
    const { code, stderr } = await rig.run(words);
    expect(code).toBe(2);
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain('hunter2');
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it('tells a database that is away from one that refuses', async () => {
    const away = { DATABASE_URL: 'postgresql://siteplan@127.0.0.1:1/none' };
    const first = await rig.run(['user', 'list'], { env: away });
    expect(first).toMatchObject({ code: 4 });
    expect(first.stderr).toContain('The database of DATABASE_URL does not answer.');
    const none = await rig.run(['user', 'list'], { env: { DATABASE_URL: '' } });
    expect(none).toMatchObject({ code: 4 });
    expect(none.stderr).toContain('There is no database in');
    const noKeys = await rig.run(['user', 'list'], { env: { SITEPLAN_KEYS_DIR: join(rig.dir, 'none') } });
    expect(noKeys).toMatchObject({ code: 1 });
    expect(noKeys.stderr).toContain("can't be read. Check SITEPLAN_KEYS_DIR");
  });
});

describe('artifacts', () => {
  const version = 'v1.35.7+rke2r1';
  const name = 'rke2.linux-amd64.tar.gz';

  it('keeps release files that agree with their list of checksums', async () => {
    await mkdir(join(rig.dir, version));
    await rig.file(`${version}/${name}`, 'tarball');
    await rig.file(`${version}/sha256sum-amd64.txt`, `${sha256Hex('tarball')}  ${name}\n`);
    expect(await rig.run(['artifacts', 'add', version])).toMatchObject({
      code: 0,
      stdout: `Added 2 files of ${version}.\n`,
    });
    const listed = await rig.run(['artifacts', 'list', '--json']);
    expect(JSON.parse(listed.stdout)).toMatchObject([{ version, files: [{ name }, {}] }]);
    await rig.file('other.tar.gz', 'other');
    const odd = await rig.run(['artifacts', 'add', 'other.tar.gz', `${version}/${name}`]);
    expect(odd).toMatchObject({ code: 2, stderr: expect.stringContaining('add --release') });
    const unknown = await rig.run(['artifacts', 'add', '--release', version, 'other.tar.gz']);
    expect(unknown).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No list of checksums names other'),
    });
    expect(await rig.run(['artifacts', 'remove', version])).toMatchObject({ code: 0 });
    expect(await rig.run(['artifacts', 'remove', '../keys'])).toMatchObject({ code: 2 });
    expect((await rig.run(['artifacts', 'list'])).stdout).toBe('There are no release files.\n');
  });
});

describe('user', () => {
  const isAnnsPassword = async (password: string) => {
    const { id } = await database.web.prisma.user.findUniqueOrThrow({ where: { email: 'ann@example.net' } });
    return isPassword(database.web, id, password);
  };

  it('creates a person with a password from a file, who may sign in, and audits it', async () => {
    const words = ['user', 'create', 'Ann@example.net', '--role', 'admin', '--password-file', 'password'];
    const made = await rig.run(words);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(await isAnnsPassword(PASSWORD)).toBe(true);
    const rows = await database.web.prisma.audit.findMany({ orderBy: { seq: 'asc' } });
    expect(rows.map(({ action }) => action)).toEqual(['user.create', 'user.password']);
    expect(rows[0]?.actor).toMatch(/^command line \(/);
    expect(JSON.stringify(rows, (_, v: unknown) => (typeof v === 'bigint' ? `${v}` : v))).not.toContain(
      PASSWORD,
    );
    expect(await rig.run(words)).toMatchObject({
      code: 1,
      stderr: 'ann@example.net has an account already.\n',
    });
  });

  it('gives a link where no password is given, and lists people as JSON', async () => {
    const { code, stdout } = await rig.run(['user', 'create', 'bob@example.net', '--name', 'Bob']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:3000\/setup\?token=\S{43}$/m);
    const listed = await rig.run(['user', 'list', '--json']);
    expect(JSON.parse(listed.stdout)).toMatchObject([
      { email: 'ann@example.net', hasPassword: true, grants: [{ role: 'admin', siteId: null }] },
      { email: 'bob@example.net', hasPassword: false, name: 'Bob' },
    ]);
    expect((await rig.run(['user', 'list'])).stdout).toMatch(/bob@example\.net +Bob +viewer +invited/);
  });

  it('resets a password from standard input, and refuses a short one and an open file', async () => {
    const reset = ['user', 'reset-password', 'ann@example.net', '--password-file'];
    expect(await rig.run([...reset, '-'], { input: 'another long password\n' })).toMatchObject({ code: 0 });
    expect(await isAnnsPassword('another long password')).toBe(true);
    const short = await rig.run([...reset, '-'], { input: 'short\n' });
    expect(short).toMatchObject({ code: 1, stderr: 'password: use at least 12 characters.\n' });
    await rig.file('open', PASSWORD);
    await chmod(join(rig.dir, 'open'), 0o644);
    const open = await rig.run([...reset, 'open']);
    expect(open.stderr).toMatch(/open is open to other users of this machine\. Set its mode to 0600\./);
    expect((await rig.run([...reset, 'none'])).stderr).toContain("none can't be read.");
    expect(await isAnnsPassword('another long password')).toBe(true);
    const typed = await rig.run(reset.slice(0, 3));
    expect(typed).toMatchObject({ code: 2 });
    expect(typed.stderr).toContain('There is no terminal to type on. Use --password-file FILE');
    expect((await rig.run(['user', 'disable', 'eve@example.net'])).stderr).toContain(
      'Nobody has the address',
    );
  });

  it('shuts people out and lets them in, but never the last administrator', async () => {
    expect(await rig.run(['user', 'disable', 'bob@example.net'])).toMatchObject({ code: 0 });
    expect((await rig.run(['user', 'list'])).stdout).toMatch(/bob@example\.net.*disabled/);
    expect(await rig.run(['user', 'enable', 'bob@example.net'])).toMatchObject({ code: 0 });
    const last = await rig.run(['user', 'disable', 'ann@example.net']);
    expect(last).toMatchObject({ code: 1 });
    expect(last.stderr).toContain('Nobody would be left to manage users.');
  });
});

describe('token', () => {
  it('prints the token alone, stores its hash only, and revokes it', async () => {
    const create = ['token', 'create', '--user', 'ann@example.net', '--name', 'ci', '--role', 'operator'];
    const { code, stdout, stderr } = await rig.run(create);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^sp_\S{43}\n$/);
    expect(stderr).not.toContain(stdout.trim());
    const row = await database.web.prisma.apiToken.findFirstOrThrow();
    expect(row).toMatchObject({ tokenHash: toTokenHash(stdout.trim()), role: 'operator', revokedAt: null });
    const listed = await rig.run(['token', 'list', '--user', 'ann@example.net']);
    expect(listed.stdout).toContain(row.id);
    expect(await rig.run(['token', 'revoke', row.id])).toMatchObject({ code: 0 });
    expect(await rig.run(['token', 'revoke', row.id])).toMatchObject({ code: 1 });
    expect((await rig.run([...create, '--days', '900'])).stderr).toBe('days: at most a year.\n');
  });
});

describe('audit verify', () => {
  it('finds a whole audit good and a changed row bad', async () => {
    expect((await rig.run(['audit', 'verify'])).stdout).toMatch(/^The audit is whole: \d+ rows\.$/m);
    const owner = new Client({ connectionString: database.ownerUrl });
    await owner.connect();
    await owner.query('ALTER TABLE audit DISABLE TRIGGER audit_append_only');
    await owner.query(`UPDATE audit SET actor = 'eve' WHERE seq = 2`);
    const bad = await rig.run(['audit', 'verify']);
    await owner.query('ALTER TABLE audit ENABLE TRIGGER audit_append_only');
    await owner.end();
    expect(bad).toMatchObject({ code: 5 });
    expect(bad.stdout).toContain('The audit is broken at row 2');
  });
});

describe('doctor', () => {
  interface Line {
    readonly what: string;
    readonly state: string;
    readonly words: string;
  }
  const look = async (env: Record<string, string> = {}) => {
    const { code, stdout } = await rig.run(['doctor', '--json'], { env });
    const lines = JSON.parse(stdout) as Line[]; // what doctor writes
    return { code, bad: lines.filter(({ state }) => state === 'fail').map(({ what }) => what), lines };
  };

  it('finds only the missing worker where everything else is well', async () => {
    const { code, bad, lines } = await look();
    expect({ code, bad }).toEqual({ code: 5, bad: ['workers'] });
    const what = lines.map((line) => line.what);
    for (const name of [
      'Node',
      'disk space',
      'seal.key',
      'seal.pub',
      'database',
      'migrations',
      'clock',
      'leases',
    ])
      expect(what).toContain(name);
    await database.worker.pool.query('SELECT 1'); // its connection is what doctor sees of a worker
    expect(await look()).toMatchObject({ code: 0, bad: [] });
    const text = await rig.run(['doctor']);
    expect(text.stdout).toMatch(/^ok +migrations: \d+ migrations applied, none missing$/m);
  });

  it('names keys that are open, missing, broken or of two pairs', async () => {
    await chmod(join(keysDir, 'audit.key'), 0o644);
    expect((await look()).bad).toEqual([join(keysDir, 'audit.key')]);
    await chmod(join(keysDir, 'audit.key'), 0o600);
    await chmod(join(keysDir, 'seal.key'), 0o644);
    expect((await look()).bad).toEqual(['seal.key']);
    await chmod(join(keysDir, 'seal.key'), 0o600);
    const other = join(rig.dir, 'other-keys');
    await ensureKeys(other);
    await copyFile(join(keysDir, 'seal.pub'), join(other, 'seal.pub'));
    await rig.file('other-keys/session.key', 'short');
    expect((await look({ SITEPLAN_KEYS_DIR: other })).bad).toEqual(['session.key', 'seal.pub']);
  });

  it('names a schema that is behind or ahead, and a database that is away', async () => {
    const owner = new Client({ connectionString: database.ownerUrl });
    await owner.connect();
    const rename = 'UPDATE _prisma_migrations SET migration_name = $2 WHERE migration_name = $1';
    const newest =
      (await readdir('prisma/migrations'))
        .filter((name) => /^\d/.test(name))
        .sort()
        .at(-1) ?? '';
    await owner.query(rename, [newest, '20990101000000_later']);
    expect((await look()).bad).toEqual(['migrations']);
    await owner.query(rename, ['20990101000000_later', newest]);
    await owner.end();
    expect((await look({ DATABASE_URL: 'postgresql://siteplan@127.0.0.1:1/none' })).bad).toEqual([
      'database',
    ]);
  });

  it('starts nothing and leaves nothing behind', async () => {
    expect(await stat(join(rig.dir, 'postgres')).catch(() => null)).toBeNull();
  });
});
