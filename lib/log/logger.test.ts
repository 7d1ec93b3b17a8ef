import { describe, expect, it } from 'vitest';
import { createLogger, toLoggedError } from './logger';

function capture(): { lines: string[]; log: ReturnType<typeof createLogger> } {
  const lines: string[] = [];
  return { lines, log: createLogger('test', { write: (line) => void lines.push(line) }) };
}

describe('createLogger', () => {
  it('writes one JSON line per entry, with the bound request', () => {
    const { lines, log } = capture();
    log.child({ requestId: 'r-1' }).info({ path: '/a\nb' }, 'request');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.trim()).not.toContain('\n');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      name: 'test',
      requestId: 'r-1',
      msg: 'request',
    });
  });

  it('masks what secrets are called, at the top and below', () => {
    const { lines, log } = capture();
    log.warn({
      password: 'canary',
      input: { privateKey: 'canary', name: 'visible' },
      a: { b: { token: 'canary' } },
    });
    log.warn({ headers: { authorization: 'canary', cookie: 'canary', 'set-cookie': 'canary' } });
    expect(lines.join()).not.toContain('canary');
    expect(lines.join()).toContain('visible');
  });
});

describe('toLoggedError', () => {
  it('keeps no arguments of database calls', () => {
    const error = new Error(
      'Invalid `prisma.account.create()` invocation:\n{ password: "canary" }\n\nUnique constraint failed',
    );
    error.name = 'PrismaClientKnownRequestError';
    error.stack = `${error.message}\n at x`;
    const outer = new Error('could not save', { cause: error });
    const { lines, log } = capture();
    log.error({ err: outer }, 'request failed');
    expect(lines.join()).not.toContain('canary');
    expect(lines.join()).toContain('Unique constraint failed');
    expect(toLoggedError(error)).toEqual({
      name: 'PrismaClientKnownRequestError',
      message: 'Unique constraint failed',
    });
  });

  it('survives what is no error and circles of causes', () => {
    expect(toLoggedError('canary')).toEqual({ name: 'NotAnError', message: 'string' });
    const error = new Error('a');
    error.cause = error;
    expect(() => JSON.stringify(toLoggedError(error))).not.toThrow();
  });
});
