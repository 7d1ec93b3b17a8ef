import type { LabHostSpec } from './lab';

function hosts(prefix: string, role: NonNullable<LabHostSpec['role']>, count: number): LabHostSpec[] {
  return Array.from({ length: count }, (_, index) => ({ name: `${prefix}${index + 1}`, role }));
}

const ha = [...hosts('s', 'server', 3), ...hosts('a', 'agent', 3), ...hosts('lb', 'lb', 2)];
const edge = [...hosts('edge-s', 'server', 1), ...hosts('edge-a', 'agent', 2)];

/** The hosts of the labs that `npm run lab -- up` knows. */
export const labPatterns: Readonly<Record<string, readonly LabHostSpec[]>> = {
  one: hosts('s', 'server', 1),
  ha,
  edge,
  both: [...ha, ...edge],
};
