import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface ArtifactServer {
  /** What goes into `INSTALL_RKE2_ARTIFACT_URL`: files are at `<url>/v1.35.7%2Brke2r1/<file>`. */
  url: string;
  /** Paths asked for so far, decoded, in order. */
  requests: string[];
  close(): Promise<void>;
}

/** Serves a folder made by buildArtifacts like a mirror of the release downloads, with ranges, GET and HEAD only. */
export async function serveArtifacts(dir: string, address: string, port = 0): Promise<ArtifactServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://mirror').pathname);
    requests.push(path);
    const isPlain = /^\/v[\w.+-]+\/[\w.+-]+$/.test(path) && !path.includes('..');
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (!isPlain || !isRead) response.writeHead(404).end();
    else
      sendFile(join(dir, path), request.headers.range, request.method === 'HEAD', response).catch(() =>
        response.destroy(),
      );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, resolve);
  });
  // A listening TCP server has an AddressInfo.
  const bound = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://${address}:${bound.port}`, requests, close };
}

async function sendFile(
  path: string,
  range: string | undefined,
  isHead: boolean,
  response: ServerResponse,
): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile()) return void response.writeHead(404).end();
  const [, from] = /^bytes=(\d+)-$/.exec(range ?? '') ?? [];
  const start = Number(from ?? 0);
  if (start > 0 && start >= found.size)
    return void response.writeHead(416, { 'content-range': `bytes */${found.size}` }).end();
  const partial =
    from === undefined ? {} : { 'content-range': `bytes ${start}-${found.size - 1}/${found.size}` };
  response.writeHead(from === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': found.size - start,
    'accept-ranges': 'bytes',
    ...partial,
  });
  if (isHead) return void response.end();
  createReadStream(path, { start }).pipe(response);
}
