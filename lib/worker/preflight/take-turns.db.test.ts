import { afterAll, beforeAll, expect, it } from 'vitest';
import { SiteId } from '@/lib/core/ids';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import { takeTurns } from './take-turns';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

/** A job of a site whose work lasts until it is told to end. */
function startJob(siteId: string, signal = new AbortController().signal) {
  const lines: string[] = [];
  let end: () => void = () => undefined;
  let hasBegun = false;
  const work = () =>
    new Promise<string>((resolve) => {
      hasBegun = true;
      end = () => resolve('done');
    });
  const progress = (line: string) => {
    lines.push(line);
    return Promise.resolve();
  };
  const done = takeTurns({ db: test.worker, siteId: SiteId.parse(siteId), signal, progress }, work);
  done.catch(() => undefined); // looked at by the test
  return { done, lines, end: () => end(), hasBegun: () => hasBegun };
}

it('lets one preflight of a site work at a time, and others meanwhile', async () => {
  const first = startJob('site-a');
  await waitFor(first.hasBegun, { what: 'the first to begin' });
  const second = startJob('site-a');
  const other = startJob('site-b');
  await waitFor(other.hasBegun, { what: 'the other site to begin' });
  await waitFor(() => second.lines.length > 0, { what: 'the second to wait' });
  expect(second.lines).toEqual(['waiting for another preflight of this site']);
  expect(second.hasBegun()).toBe(false);
  first.end();
  await waitFor(second.hasBegun, { what: 'the second to begin' });
  second.end();
  other.end();
  expect(await Promise.all([first.done, second.done, other.done])).toEqual(['done', 'done', 'done']);
});

it('gives the turn on when the work fails, and stops waiting when the worker stops', async () => {
  const stop = new AbortController();
  const job = { db: test.worker, siteId: SiteId.parse('site-a'), progress: () => Promise.resolve() };
  const failing = takeTurns({ ...job, signal: stop.signal }, () => Promise.reject(new Error('lost')));
  await expect(failing).rejects.toThrow('lost');
  const holder = startJob('site-a');
  await waitFor(holder.hasBegun, { what: 'the turn to be free' });
  const waiting = startJob('site-a', stop.signal);
  await waitFor(() => waiting.lines.length > 0, { what: 'the other to wait' });
  stop.abort();
  await expect(waiting.done).rejects.toThrow('aborted');
  expect(waiting.hasBegun()).toBe(false);
  holder.end();
  await holder.done;
});
