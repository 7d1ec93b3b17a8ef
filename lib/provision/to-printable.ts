/**
 * Control characters other than tab, line feed, return and escape; C1 controls; bidirectional controls; an escape
 * that does not start a colour (SGR) sequence.
 */
const UNPRINTABLE =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001a\u001c-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]|\u001b(?!\[[0-9;]{0,32}m)/g;

/** Anything but plain text: a quick look that spares most output the closer one. */
const UNUSUAL = /[^\t\n\r -~]/;

/** Bytes of a log as text that is safe to store and show: UTF-8, colours kept, everything else unprintable is `�`. */
export function toPrintable(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return UNUSUAL.test(text) ? text.replace(UNPRINTABLE, '\ufffd') : text;
}
