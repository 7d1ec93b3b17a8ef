import { PassThrough } from 'node:stream';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { createLogger } from '@/lib/log/logger';
import { scanHostKey } from '@/lib/ssh/scan-host-key';
import { findFreePort } from '@/lib/testing/find-free-port';
import { isForLater, toFailure } from './failure-of';

const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

describe('what ends work and what is left for later', () => {
  const context = { log: createLogger('test', new PassThrough().resume()) };

  it('a host that refuses is no database that refuses, though the socket says the same', async () => {
    const endpoint = { name: 's1', address: '127.0.0.1', port: await findFreePort() };
    const error = await errorOf(scanHostKey(endpoint, { policy: { allow: ['127.0.0.0/8'] } }));
    expect(isForLater(error)).toBe(false);
    expect(toFailure(context, error).code).toBe('connection-refused');
  });

  it('a database that refuses is waited for, and named where somebody must be told', async () => {
    const port = await findFreePort();
    const error = await errorOf(new Client({ host: '127.0.0.1', port }).connect());
    expect(isForLater(error)).toBe(true);
    expect(toFailure(context, error)).toMatchObject({
      code: 'internal',
      message: 'The worker lost its database in the middle of this.',
    });
  });

  it('what nobody foresaw is neither', () => {
    expect(isForLater(new Error('what is this'))).toBe(false);
    expect(toFailure(context, new Error('a secret')).message).not.toContain('secret');
  });
});
