import { connect } from 'node:net';

/** Sends bytes as they stand to a server of this machine and reads the answer to its end, at most 200 kB. */
export function sendRaw(url: string, request: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(request));
    let answer = '';
    socket.setTimeout(10_000, () => socket.destroy());
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (answer.length > 200_000) socket.destroy();
    });
    socket.on('error', reject).on('close', () => resolve(answer));
  });
}

/** A plain request with the headers given; the connection closes after it. */
export function toRawRequest(
  url: string,
  target: string,
  headers: readonly string[] = [],
  method = 'GET',
  body = '',
): string {
  const lines = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${new URL(url).host}`,
    'Connection: close',
    ...headers,
  ];
  if (body) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
