import { Client } from 'pg';

type Query = (...args: unknown[]) => unknown;

/**
 * Calls `onStatement` with 1, 2, 3 … before this process sends each of its SQL statements, whoever sends it. An error
 * that it returns becomes the failure of that statement, which is then not sent. Returns how to stop.
 */
export function countStatements(onStatement: (count: number, text: string) => Error | null): () => void {
  const { query } = Client.prototype;
  let count = 0;
  const counted: Query = function (this: Client, ...args) {
    const [first] = args as [string | { text?: string }];
    count += 1;
    const error = onStatement(count, typeof first === 'string' ? first : (first?.text ?? ''));
    if (!error) return (query as Query).apply(this, args);
    // As after a lost link: the connection is of no more use, and whoever waits is told.
    this.emit('error', error);
    const callback = args.find((arg) => typeof arg === 'function') as ((error: Error) => void) | undefined;
    if (callback) return process.nextTick(callback, error);
    return Promise.reject(error);
  };
  Client.prototype.query = counted as typeof query; // the overloads differ in what they return only
  return () => {
    Client.prototype.query = query;
  };
}
