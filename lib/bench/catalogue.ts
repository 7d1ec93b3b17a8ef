import type { Bench } from './bench';

/** Every benchmark that `npm run bench -- NAME` knows. */
export const BENCHES: readonly Bench[] = [];
