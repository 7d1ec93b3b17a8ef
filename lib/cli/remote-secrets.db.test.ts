import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '@/app/api/openapi/routes';
import { createRemoteRig, type RemoteRig } from '@/lib/testing/remote-rig';

/* The keys that a person brings for a site: set, listed and removed without a browser. */

const KEY = 'canary/Secret+Key=';
let remote: RemoteRig;
let siteId: string;
const run = (words: readonly string[], input?: string) =>
  remote.cli.run(words, input === undefined ? {} : { input });

beforeAll(async () => {
  remote = await createRemoteRig(ROUTES);
  await remote.cli.file(
    'site.yaml',
    `pattern: custom\netcd: { snapshots: { s3: { endpoint: s3.example.net, bucket: snapshots } } }\n`,
  );
  expect(await run(['login', '--token-file', 'token'])).toMatchObject({ code: 0 });
  const made = await run(['site', 'create', 'edge', '-f', 'site.yaml', '--json']);
  ({ siteId } = JSON.parse(made.stdout) as { siteId: string }); // a TopologyView
});
afterAll(() => remote.stop());

const countSecrets = () => remote.database.worker.prisma.secret.count({ where: { owner: siteId } });

describe('site secret', () => {
  it('takes a key from a file or standard input, lists it without its value, and removes it', async () => {
    const none = await run(['site', 'secret', 'list', 'edge']);
    expect(none).toMatchObject({ code: 0, stderr: '' });
    expect(none.stdout).toMatch(
      /^FIELD +VERSION +SET +BY\ns3-access-key +- +- +-\ns3-secret-key +- +- +-\n$/,
    );

    await remote.cli.file('key', `${KEY}\n`);
    const set = await run(['site', 'secret', 'set', 'edge', 's3-secret-key', '--secret-file', 'key']);
    expect(set).toEqual({
      code: 0,
      stderr: '',
      stdout: 'The s3-secret-key of edge is stored, version 1. The servers get it with the next plan.\n',
    });
    const typed = ['site', 'secret', 'set', siteId, 's3-access-key', '--secret-file', '-', '--json'];
    const access = await run(typed, `${KEY}2\n`);
    expect(JSON.parse(access.stdout)).toMatchObject({ field: 's3-access-key', version: 1 });
    const listed = await run(['site', 'secret', 'list', 'edge']);
    expect(listed.stdout).toMatch(/^s3-access-key +1 +\d{4}-\d\d-\d\d +\S+@\S+$/m);
    expect(listed.stdout).toMatch(/^s3-secret-key +1 +\d{4}-\d\d-\d\d +\S+@\S+$/m);
    for (const { stdout } of [set, access, listed]) expect(stdout).not.toContain('canary');

    const removed = await run(['site', 'secret', 'remove', 'edge', 's3-secret-key']);
    expect(removed).toMatchObject({
      code: 0,
      stdout: 'The s3-secret-key of edge is removed. The next plan takes it off the servers.\n',
    });
    expect((await run(['site', 'secret', 'list', 'edge'])).stdout).toMatch(/^s3-secret-key +- +- +-$/m);
    expect(await run(['site', 'secret', 'remove', 'edge', 's3-secret-key'])).toMatchObject({ code: 1 });
  });

  it.each([
    ['a value as an argument', ['edge', 's3-secret-key', KEY], 2, 'There is more on the command line'],
    ['a value as an option', ['edge', 's3-secret-key', `--value=${KEY}`], 2, 'The option --value is not'],
    ['no terminal and no file', ['edge', 's3-secret-key'], 2, 'Use --secret-file FILE, or - for standard'],
    ['another field', ['edge', 'server-token', '--secret-file', 'key'], 2, 'FIELD must be s3-access-key or'],
    ['a file that others read', ['edge', 's3-secret-key', '--secret-file', 'open'], 1, 'open to other users'],
    ['an empty file', ['edge', 's3-secret-key', '--secret-file', 'empty'], 1, 'empty is empty.'],
    ['a key with blanks', ['edge', 's3-secret-key', '--secret-file', 'blanks'], 1, 'paste the key alone'],
    ['another site', ['nowhere', 's3-secret-key', '--secret-file', 'key'], 1, 'There is no site nowhere'],
    [
      'a viewer',
      ['edge', 's3-secret-key', '--secret-file', 'key', '--token-file', 'viewer'],
      3,
      'You may not ',
    ],
  ])('is refused with %s, and nothing is stored or shown', async (_what, words, code, sentence) => {
    await remote.cli.file('key', KEY);
    await remote.cli.file('open', KEY, 0o644);
    await remote.cli.file('empty', '\n');
    await remote.cli.file('blanks', `canary ${KEY}`);
    const before = await countSecrets();
    const ended = await run(['site', 'secret', 'set', ...words]);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(sentence);
    expect(ended.stderr).not.toContain('canary');
    expect(await countSecrets()).toBe(before);
  });

  it('has help, and a hint where the verb is missing', async () => {
    expect((await run(['site', 'secret', 'set', '--help'])).stdout).toContain('site secret set SITE FIELD');
    const alone = await run(['site', 'secret']);
    expect(alone).toMatchObject({ code: 2 });
    expect(alone.stderr).toContain('site secret list, site secret set, site secret remove');
  });
});
