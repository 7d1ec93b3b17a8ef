import { canonicalJson } from '@/lib/core/hash';
import { toCount } from '@/lib/core/text';
import type { Plan, PlanStep } from '@/lib/plan/plan';
import type { RunEventBody } from '@/lib/run/run-event';

export interface RunTextOptions {
  /** A host's name for its id; the id itself when absent. */
  readonly nameOf?: (nodeId: string) => string;
  /** What stands for a thing that differs between machines: an address, a host's name. Longest first wins. */
  readonly stands?: Readonly<Record<string, string>>;
}

/** Lines that a step prints only when it takes long, or of which the machine decides whether they come at all. */
const PASSING = [/^\d+ MiB so far$/, / is \S+ for \d+ s: /, / \(\d+ s\)$/, /^passed over: /];

/** What differs from run to run or from machine to machine in a line that a step printed, and what stands for it. */
const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [
    /^(\S+) (?:is in the kernel|loaded|is built into the kernel|is neither loaded nor built in: .*)$/,
    '$1: as this kernel has it',
  ],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID'],
  [/\b[0-9a-f]{32,64}\b/g, 'HASH'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?/g, 'TIME'],
  [/\b(?:after|in|for) \d+(?:\.\d+)? (?:ms|s)\b/g, 'after N s'],
  [/\b\d+(?:\.\d+)? MiB\b/g, 'N MiB'],
  [/\bpid[ =]\d+/gi, 'pid N'],
  [/\[\d+\]/g, '[N]'],
  [/((?:\d{1,3}\.){3}\d{1,3}):\d{2,5}\b/g, '$1:PORT'],
  [/\/tmp\/[\w.-]*\.[A-Za-z0-9]{6,}/g, '/tmp/NAME'],
  [/\.siteplan-new\.\w{6}/g, '.siteplan-new.NAME'],
];

/** A line with constant words in the place of what changes from run to run; null for one that may be there or not. */
function toStableLine(line: string, stands: Readonly<Record<string, string>>): string | null {
  if (PASSING.some((pattern) => pattern.test(line))) return null;
  const named = Object.entries(stands)
    .sort(([one], [other]) => other.length - one.length)
    .reduce((text, [found, stand]) => text.replaceAll(found, stand), line);
  return VOLATILE.reduce((text, [pattern, stand]) => text.replace(pattern, stand), named).trimEnd();
}

interface StepEvents {
  readonly lines: string[];
  /** What the act has printed and is not in `lines` yet; pieces come in any size. */
  output: string;
}

/** One line for an event of a step; what a reader of the next release adds shows up as it is. */
function toLine(event: Extract<RunEventBody, { stepId: string }>): string | null {
  const { type } = event;
  switch (type) {
    case 'step.started':
      return event.attempt > 1 ? `started again, attempt ${event.attempt}` : null;
    case 'step.probed':
      return `probe: ${event.satisfied ? 'already so' : 'needed'}`;
    case 'step.act-started':
      return `act ${event.attempt}`;
    case 'step.verifying':
      return 'verify';
    case 'step.finished': {
      const outputs = Object.entries(event.outputs).sort(([one], [other]) => (one < other ? -1 : 1));
      const words = outputs.map(([key, value]) => ` ${key}=${value}`).join('');
      return `end: ${event.outcome}${words}`;
    }
    case 'step.failed':
      return `end: failed, ${event.failure.code}: ${event.failure.message}`;
    case 'step.cancelled':
      return 'end: cancelled';
    case 'step.output':
    case 'step.progress':
      return null;
    default: {
      const { type: _type, stepId: _stepId, ...more } = event;
      return `${type} ${canonicalJson(more)}`;
    }
  }
}

function takeOutput(found: StepEvents): void {
  if (found.output === '') return;
  found.lines.push(
    ...found.output
      .replace(/\n$/, '')
      .split('\n')
      .map((line) => `| ${line}`),
  );
  found.output = '';
}

function collect(events: readonly RunEventBody[]): ReadonlyMap<string, StepEvents> {
  const steps = new Map<string, StepEvents>();
  for (const event of events) {
    if (!('stepId' in event)) continue;
    const found = steps.get(event.stepId) ?? { lines: [], output: '' };
    steps.set(event.stepId, found);
    if (event.type === 'step.output') {
      found.output += event.text;
      continue;
    }
    takeOutput(found);
    const line = toLine(event);
    if (line !== null) found.lines.push(line);
  }
  for (const found of steps.values()) takeOutput(found);
  return steps;
}

/**
 * What a run did, as text that is the same whenever the same is done: steps in the plan's order (whatever order the
 * hosts took), what probe, act and verify said, how it ended. Times, durations, sizes, hashes, ports and temporary names
 * are replaced; when a host was lost and found again is left out, because that is the network's story and not the plan's.
 */
export function toRunText(
  plan: Pick<Plan, 'kind' | 'steps'>,
  events: readonly RunEventBody[],
  options: RunTextOptions = {},
): string {
  const { nameOf = (nodeId: string) => nodeId, stands = {} } = options;
  const steps = collect(events);
  const stable = (line: string) => {
    const body = line.startsWith('| ') ? toStableLine(line.slice(2), stands) : toStableLine(line, stands);
    return body === null ? [] : [line.startsWith('| ') ? `| ${body}`.trimEnd() : body];
  };
  const print = (step: PlanStep, index: number): string => {
    const said = steps.get(step.id)?.lines ?? ['never begun'];
    const [title = ''] = stable(`${nameOf(step.nodeId)}: ${step.title}`);
    return [
      `${index + 1}. ${title}  [${step.kind}]`,
      ...said.flatMap(stable).map((line) => `   ${line}`),
    ].join('\n');
  };
  const end = events.findLast(({ type }) => type === 'run.finished');
  const state = end?.type === 'run.finished' ? end.state : 'not over';
  const why = end?.type === 'run.finished' && end.failure ? `, ${end.failure.code}` : '';
  return [
    `${plan.kind}: ${toCount(plan.steps.length, 'step')}`,
    ...plan.steps.map(print),
    `${state}${why}`,
    '',
  ].join('\n');
}
