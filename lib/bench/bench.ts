/** One figure of a benchmark, as `--json` prints it. */
export interface BenchMetric {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What DESIGN holds the product to. */
  readonly goal: number;
  readonly better: 'higher' | 'lower';
  /** Range over the pairs, and what bounds the figure now. */
  readonly detail?: string;
}

/** A benchmark: measures against its peer in the same run, interleaved, and says what it lacks where it cannot run. */
export interface Bench {
  readonly name: string;
  readonly title: string;
  /** A / B pairs unless told otherwise; 5 when absent, fewer only where one takes over a minute. */
  readonly pairs?: number;
  /** Why it cannot run here, in words, or null. */
  readonly findMissing: () => string | null;
  readonly run: (options: BenchOptions) => Promise<readonly BenchMetric[]>;
}

export interface BenchOptions {
  readonly pairs: number;
  /** Progress for a person, on standard error. */
  readonly say: (line: string) => void;
}
