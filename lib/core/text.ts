/** RFC 1123 label as Kubernetes takes it for node names: lowercase, at most 63 characters. */
export const HOSTNAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** A DNS name of RFC 1123 labels, at most 253 characters. */
export const DNS_NAME =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** `1 host`, `2 hosts`. */
export function toCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}

/** Shortens in the middle with an ellipsis, keeping both ends, to at most `max` characters. */
export function toMiddleEllipsis(text: string, max: number): string {
  if (text.length <= max) return text;
  const head = Math.ceil((max - 1) / 2);
  return `${toHead(text, head)}…${toTail(text, max - 1 - head)}`;
}

/** At most `max` UTF-16 units from the start, whole characters only. */
function toHead(text: string, max: number): string {
  return /[\ud800-\udbff]/.test(text.charAt(max - 1)) ? text.slice(0, max - 1) : text.slice(0, max);
}

/** At most `max` UTF-16 units from the end, whole characters only. */
function toTail(text: string, max: number): string {
  const start = text.length - max;
  return /[\udc00-\udfff]/.test(text.charAt(start)) ? text.slice(start + 1) : text.slice(start);
}

/**
 * Foreign text made safe for one line of a log or page: control characters, line separators, direction marks and
 * halves of characters become `�`, longer text is cut with a mark. What comes back from a host is hostile.
 */
export function toSafeLine(text: string, max = 500): string {
  const safe = text.replace(UNSAFE, '\ufffd');
  return safe.length > max ? `${toHead(safe, max)}…` : safe;
}

/** With the `u` flag, the range of surrogates means lone ones only. */
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/gu;
