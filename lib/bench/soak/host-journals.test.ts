import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '@/lib/testing/wait-for';
import { watchHostJournals, type HostJournals } from './host-journals';

let root: string;
let journals: HostJournals;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'siteplan-journals-'));
  journals = watchHostJournals({
    hosts: ['s1', 's2'].map((name) => ({ name })),
    rootOf: (name) => join(root, name),
  });
});
afterEach(async () => {
  await journals.stop();
  await rm(root, { recursive: true, force: true });
});

describe('the watch of host journals', () => {
  it('keeps what was cleared away, and tells an act that ended from one that did not', async () => {
    const acts = join(root, 's1/var/lib/siteplan-host/acts');
    for (const [key, text] of Object.entries({ 'r.a.1': 'whole', 'r.b.1': 'half' })) {
      await mkdir(join(acts, key), { recursive: true });
      await writeFile(join(acts, key, 'journal'), text);
    }
    await writeFile(join(acts, 'r.a.1/exit'), '0');
    const isWhole = () => journals.acts().length === 2 && journals.acts().some(({ said }) => said !== null);
    await waitFor(isWhole, { what: 'both acts' });
    await rm(acts, { recursive: true });
    await journals.stop();
    const found = journals.acts().map(({ host, key, said }) => `${host} ${key} ${said?.toString() ?? '-'}`);
    expect(found.sort()).toEqual(['s1 r.a.1 whole', 's1 r.b.1 -']);
  });
});
