/** Bytes or text as a file to keep; the name holds letters, digits, `.`, `_` and `-` only. */
export function toDownload(
  body: Uint8Array<ArrayBuffer> | string,
  file: { readonly type: string; readonly fileName: string },
): Response {
  return new Response(body, {
    headers: {
      'content-type': file.type,
      'cache-control': 'no-store',
      'content-disposition': `attachment; filename="${file.fileName.replace(/[^A-Za-z0-9._-]/g, '_')}"`,
    },
  });
}
