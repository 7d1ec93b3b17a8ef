import { afterEach, expect, it, vi } from 'vitest';
import { download, toFileName } from './download';

afterEach(() => vi.unstubAllGlobals());
const answer = (response: Response | Error) =>
  vi.stubGlobal('fetch', () =>
    response instanceof Error ? Promise.reject(response) : Promise.resolve(response),
  );

it.each([
  ['attachment; filename="siteplan-bern-r3.tar.gz"', 'siteplan-bern-r3.tar.gz'],
  [null, 'bundle'],
  ['attachment; filename="../up"', 'bundle'],
])('names the file of %j %s', (disposition, name) => {
  expect(toFileName(disposition, '/api/v1/sites/s-1/bundle')).toBe(name);
});

it('hands on why there is no file in the words of the server', async () => {
  const problem = { code: 'precondition-failed', detail: 'The topology has no server.', requestId: 'r-1' };
  answer(Response.json(problem, { status: 412 }));
  expect(await download('/x')).toEqual({
    ok: false,
    error: { code: 'precondition-failed', message: 'The topology has no server.', requestId: 'r-1' },
  });
});

it.each([
  [new TypeError('fetch failed')],
  [new Response('<html>', { status: 502 })],
  [Response.json({}, { status: 500 })],
])('says that the server did not answer for %s', async (response) => {
  answer(response);
  expect(await download('/x')).toMatchObject({ ok: false, error: { code: 'unavailable' } });
});
