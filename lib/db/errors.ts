/** A write of a worker that no longer owns the run or site: it must stop at once and change nothing. */
export class StaleEpochError extends Error {
  constructor(what: string) {
    super(`${what} belongs to a newer epoch`);
    this.name = 'StaleEpochError';
  }
}
