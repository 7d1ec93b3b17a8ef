/** One way of hurting runs again and again, and what must hold each time. */
export interface Soak {
  readonly name: string;
  readonly title: string;
  /** Trials of `npm run soak -- NAME`, as reliability A2 counts them; `npm test` runs few. */
  readonly count: number;
  /** A line per broken promise; none is good. */
  readonly run: (options: SoakOptions) => Promise<readonly string[]>;
}

export interface SoakOptions {
  readonly count: number;
  /** What the random choices of `ha-kills` come from; drawn and told when absent. */
  readonly seed?: number;
  readonly say: (line: string) => void;
}
