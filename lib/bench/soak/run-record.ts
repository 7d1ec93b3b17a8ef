import type { RunEventBody } from '@/lib/run/run-event';

/** Everything that a trial left behind: in the database, and on its hosts. */
export interface RunRecord {
  readonly runId: string;
  readonly state: string;
  readonly steps: readonly {
    readonly id: string;
    /** Name in the ledger of its host. */
    readonly name: string;
    readonly state: string;
    /** Bytes that the newest act of it printed, by its own account; null when no act began. */
    readonly said: Buffer | null;
    /** Every byte of it is plain text, so that the log holds the same text. */
    readonly isPlain: boolean;
  }[];
  readonly events: readonly {
    readonly seq: number;
    readonly epoch: bigint;
    /** By the database's clock, milliseconds. */
    readonly atMs: number;
    readonly body: RunEventBody;
  }[];
  readonly lastSeq: number;
  /** Lines of the ledgers of all hosts. */
  readonly ledger: readonly string[];
  /** Processes and files that should be gone. */
  readonly leftovers: readonly string[];
}

export interface Expectation {
  /** End states that are right. */
  readonly states: readonly string[];
  /**
   * How often a step may be applied: `once`; `until-ended`, again after an act that did not reach its end (a reboot);
   * in both cases never again once it has ended.
   */
  readonly acts: 'once' | 'until-ended';
}

interface Entry {
  readonly what: string;
  readonly name: string;
  readonly epoch: bigint;
}

function parseLedger(ledger: readonly string[]): Entry[] {
  return ledger.map((line) => {
    const [what = '', name = '', epoch = '0'] = line.split(' ');
    return { what, name, epoch: BigInt(epoch) };
  });
}

/** I1: each step at most once, or again only where an act was cut; nothing after its end, nothing out of order. */
function checkActs(record: RunRecord, { acts }: Expectation): string[] {
  const found: string[] = [];
  const entries = parseLedger(record.ledger);
  for (const { name, state } of record.steps) {
    const own = entries.filter((entry) => entry.name === name).map(({ what }) => what);
    const isOver = state === 'done';
    const story = own.join(' ');
    // A reboot can come between the last act of a step and its word of it.
    const wanted = acts === 'once' ? /^begin end$/ : /^(begin ?)+(end)?$/;
    const allowed = acts === 'once' ? /^(begin( end)?)?$/ : /^(begin ?)*(end)?$/;
    if (isOver ? !wanted.test(story) : !allowed.test(story)) {
      found.push(`I1 step ${name} is ${state} and its ledger says: ${story || 'nothing'}`);
    }
  }
  const strangers = entries.filter(({ name }) => !record.steps.some((step) => step.name === name));
  for (const { name } of strangers) found.push(`I1 the ledger has a step ${name} that the plan has not`);
  return found;
}

/** I4: once a newer epoch has written or acted, no older one does. */
function checkEpochs({ events, ledger }: RunRecord): string[] {
  const found: string[] = [];
  for (const [at, event] of events.entries()) {
    const before = events[at - 1];
    if (before && event.epoch < before.epoch) {
      found.push(`I4 event ${event.seq} is of epoch ${event.epoch}, after one of ${before.epoch}`);
    }
  }
  const begins = parseLedger(ledger).filter(({ what }) => what === 'begin');
  for (const [at, { name, epoch }] of begins.entries()) {
    const before = begins[at - 1];
    if (before && epoch < before.epoch)
      found.push(`I4 ${name} was begun under ${epoch} after ${before.epoch}`);
  }
  return found;
}

/** I2: events are numbered 1, 2, 3 ...; the offsets of an attempt follow each other from 0 on; the text is the host's. */
function checkLog(record: RunRecord): string[] {
  const { events, lastSeq } = record;
  const found: string[] = [];
  events.forEach(({ seq }, at) => {
    if (seq !== at + 1) found.push(`I2 event ${at + 1} has the number ${seq}`);
  });
  if (lastSeq !== events.length) found.push(`I2 the run counts ${lastSeq} events and has ${events.length}`);
  for (const { id, name, said, state, isPlain } of record.steps) {
    const log = readLog(events, id);
    found.push(...log.faults.map((fault) => `I2 ${name}: ${fault}`));
    if (state !== 'done' || !said) continue;
    if (log.offset !== said.length) {
      found.push(`I2 ${name}: the log has ${log.offset} bytes, the host said ${said.length}`);
    } else if (isPlain && log.text !== said.toString('utf8')) {
      found.push(`I2 ${name}: the log has another text than the host said`);
    }
  }
  return found;
}

function readLog(
  events: RunRecord['events'],
  stepId: string,
): { text: string; offset: number; faults: string[] } {
  const faults: string[] = [];
  const parts: string[] = [];
  let offset = 0;
  for (const { seq, body } of events) {
    if (!('stepId' in body) || body.stepId !== stepId) continue;
    if (body.type === 'step.act-started') {
      parts.length = 0;
      offset = 0;
    } else if (body.type === 'step.output') {
      if (body.offset !== offset) faults.push(`event ${seq} begins at ${body.offset}, not at ${offset}`);
      offset = body.nextOffset;
      parts.push(body.text);
    }
  }
  return { text: parts.join(''), offset, faults };
}

function checkEnd({ state, steps, events }: RunRecord, { states }: Expectation): string[] {
  const found: string[] = [];
  if (!states.includes(state)) found.push(`the run is ${state}, not ${states.join(' or ')}`);
  const ends = events.filter(({ body }) => body.type === 'run.finished');
  if (ends.length !== 1) found.push(`the run has ${ends.length} ends`);
  const last = events.at(-1)?.body;
  if (ends.length === 1 && last?.type !== 'run.finished' && last?.type !== 'run.cancel-requested') {
    found.push(`the log goes on after the end with ${last?.type ?? 'nothing'}`);
  }
  if (state === 'done') {
    const open = steps.filter((step) => step.state !== 'done').map((step) => `${step.name} ${step.state}`);
    if (open.length > 0) found.push(`the run is done, and not ${open.join(', ')}`);
  }
  return found;
}

/** The one checker of every soak: a line per broken promise of reliability A2 in what a trial left behind. */
export function checkRun(record: RunRecord, expected: Expectation): string[] {
  const found = [
    ...checkEnd(record, expected),
    ...checkActs(record, expected),
    ...checkLog(record),
    ...checkEpochs(record),
    ...record.leftovers.map((leftover) => `left behind: ${leftover}`),
  ];
  return found.map((line) => `${record.runId}: ${line}`);
}

/** When the run was claimed first after `sinceMs` (the database's clock); null when never. */
export function findClaimAfter({ events }: Pick<RunRecord, 'events'>, sinceMs: number): number | null {
  return events.find(({ atMs, body }) => body.type === 'run.claimed' && atMs >= sinceMs)?.atMs ?? null;
}
