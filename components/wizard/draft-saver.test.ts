import { expect, it } from 'vitest';
import { DraftSaver } from './draft-saver';

/** A store whose answers come when the test says so. */
function slowStore() {
  const calls: { draftId: string | null; document: string; answer: (id: string | null) => void }[] = [];
  const store = (draftId: string | null, document: string) =>
    new Promise<string | null>((resolve) => calls.push({ draftId, document, answer: resolve }));
  return { calls, store };
}

it('makes one draft though more is typed while the first is being stored, and stores the newest', async () => {
  const { calls, store } = slowStore();
  const saver = new DraftSaver<string>(null, store, () => undefined, 0);
  saver.save('a');
  const flushed = saver.flush();
  saver.save('ab');
  saver.save('abc');
  calls[0]?.answer('d-1');
  await Promise.resolve();
  const again = saver.flush();
  while (calls.length < 2) await Promise.resolve();
  calls[1]?.answer('d-1');
  await Promise.all([flushed, again]);
  expect(calls.map(({ draftId, document }) => ({ draftId, document }))).toEqual([
    { draftId: null, document: 'a' },
    { draftId: 'd-1', document: 'abc' },
  ]);
  expect(saver.draftId).toBe('d-1');
});

it('says so when a draft could not be stored', async () => {
  const states: string[] = [];
  const saver = new DraftSaver<string>(
    null,
    () => Promise.reject(new Error('no')),
    (state) => states.push(state),
    0,
  );
  saver.save('a');
  await saver.flush();
  expect(states).toEqual(['saving', 'failed']);
});
