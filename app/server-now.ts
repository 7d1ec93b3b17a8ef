/** The server's time when a page is made, milliseconds; the first paint in the browser shows ages as of then. */
export function serverNowMs(): number {
  return Date.now();
}
