const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
];

/** A duration in words of at most two units: `1 m 40 s`, `3 h`, `12 d 4 h`; under a second `0 s`. */
export function toDurationText(milliseconds: number): string {
  let rest = Math.max(0, Math.floor(milliseconds / 1000));
  const parts: string[] = [];
  for (const [unit, seconds] of UNITS) {
    const count = Math.floor(rest / seconds);
    if (count > 0) parts.push(`${count} ${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
    rest -= count * seconds;
  }
  return parts.join(' ') || '0 s';
}

/** Bytes with a binary unit: `0 B`, `1.5 MiB`, `12 GiB`. */
export function toBytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let exponent = 0;
  let value = bytes;
  // From 1023.5 on it would be rounded to 1024 of this unit, which is 1.0 of the next.
  while (value >= 1023.5 && exponent < units.length - 1) {
    value /= 1024;
    exponent += 1;
  }
  return `${exponent > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[exponent]}`;
}
