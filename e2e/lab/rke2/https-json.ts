import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import type { Agent } from 'node:https';

/** With what a client proves itself and checks the other end. */
export interface ClientFiles {
  /** Path of the CA without `.crt`, its PEM text as a buffer, or null: take whatever the other end shows. */
  ca: string | Buffer | null;
  /** Path of certificate and key without `.crt` and `.key`. Absent: an anonymous client. */
  certificate?: string;
}

export interface HttpsAnswer {
  status: number;
  text: string;
}

export interface HttpsRequest {
  method?: string;
  body?: string;
  headers?: Record<string, string>;
  timeoutMs?: number;
  agent?: Agent;
}

/** One HTTPS request with a time limit (5 s); rejects only when there was no answer. */
export function httpsRequest(
  url: string,
  files: ClientFiles,
  options: HttpsRequest = {},
): Promise<HttpsAnswer> {
  const timeoutMs = options.timeoutMs ?? 5_000;
  const { certificate } = files;
  const identity =
    certificate === undefined
      ? {}
      : { cert: readFileSync(`${certificate}.crt`), key: readFileSync(`${certificate}.key`) };
  const { ca } = files;
  const trust =
    ca === null
      ? { rejectUnauthorized: false }
      : { ca: typeof ca === 'string' ? readFileSync(`${ca}.crt`) : ca };
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      {
        method: options.method ?? 'GET',
        ...trust,
        ...identity,
        headers: { ...options.headers },
        signal: AbortSignal.timeout(timeoutMs),
        ...(options.agent === undefined ? {} : { agent: options.agent }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        );
      },
    );
    call.on('error', reject);
    call.end(options.body ?? '');
  });
}
