/** The middle of the values, the mean of the two middle ones for an even count. Throws without values. */
export function toMedian(values: readonly number[]): number {
  return toPercentile(values, 50);
}

/** The p-th percentile (0 to 100), linear between neighbours. Throws without values. */
export function toPercentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = ((sorted.length - 1) * percent) / 100;
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  if (below === undefined || above === undefined) throw new Error('no values to summarise');
  return below + (above - below) * (at - Math.floor(at));
}

/** Three significant digits, without an exponent for the sizes that occur here. */
export function toRounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** `12.3 (11.0 to 14.1)`: median and range. */
export function toRangeText(values: readonly number[], unit = ''): string {
  const [low, high] = [Math.min(...values), Math.max(...values)].map(toRounded);
  return `${toRounded(toMedian(values))}${unit} (${low} to ${high})`;
}
