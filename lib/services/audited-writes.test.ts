import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';

/*
 * S27: `transact` writes exactly one audit row or rolls back (services.db.test.ts), so a mutation is audited when it goes
 * through it. Drafts are the one exception: a form that is stored at each key, seen by nobody but its author.
 */

function listFiles(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? listFiles(join(dir, entry.name)) : [join(dir, entry.name)],
  );
}

const sources = listFiles(import.meta.dirname)
  .filter((path) => path.endsWith('.ts') && !path.includes('.test.'))
  .map((path) => ({ name: relative(import.meta.dirname, path), text: readFileSync(path, 'utf8') }));
const namesWith = (pattern: RegExp) =>
  sources.filter(({ text }) => pattern.test(text)).map(({ name }) => name);

it('lets no verb write around the audit, but for drafts', () => {
  const writes = String.raw`\.(create|createMany|update|updateMany|upsert|delete|deleteMany|\$executeRaw\w*)\(`;
  expect(namesWith(new RegExp(String.raw`\btx\.prisma\.\w+${writes}`)).length).toBeGreaterThan(15);
  expect(namesWith(new RegExp(String.raw`\bdb\.prisma(\.\w+)?\s*${writes}`))).toEqual([
    'drafts/delete-draft.ts',
    'drafts/save-draft.ts',
  ]);
  expect(namesWith(/\$transaction\(|\$executeRaw|\binTransaction\(/)).toEqual(['transact.ts']);
  expect(namesWith(/\b(pool|db)\.query[^;]*\b(INSERT|UPDATE|DELETE)\b/)).toEqual([]);
});

it('has one audit row in every verb that transacts', () => {
  const verbs = sources.filter(({ text }) => /\btransact\(ctx,/.test(text));
  expect(verbs.length).toBeGreaterThan(15);
  const silent = verbs.filter(({ text }) => !/\.audit\(|audit: |toAudit/.test(text)).map(({ name }) => name);
  expect(silent).toEqual([]);
});
