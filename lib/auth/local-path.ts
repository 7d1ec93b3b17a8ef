/** A path of ours to go on to after the sign-in; anything that could lead elsewhere becomes `/`. */
export function toLocalPath(next: string | undefined): string {
  if (!next || !/^\/(?![/\\])[^\\\s]*$/.test(next)) return '/';
  const url = new URL(next, 'http://siteplan.invalid');
  if (url.host !== 'siteplan.invalid' || url.pathname.startsWith('/login')) return '/';
  return url.pathname + url.search;
}
