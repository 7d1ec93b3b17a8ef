import { z } from 'zod';
import { PlanView } from '@/lib/plan/plan-view';
import { RunEventBody, type RunEvent } from '@/lib/run/run-event';
import { RUN_STATES, toRunWord } from '@/lib/run/run-states';
import { toRunSummary } from '@/lib/run/run-summary';
import { RunView } from '@/lib/run/run-view';
import { TopologyView } from '@/lib/topology/topology-view';
import type { ApiClient } from '../api-client';
import { CliError, type Exit } from '../cli-error';
import type { Command, CommandInput } from '../command';
import { optional, required } from '../command';
import { followRun, toRunExit, type RunNames } from '../follow-run';
import { openServer, SERVER_OPTIONS } from '../login-file';
import { toTable } from '../output';
import { readHosts } from '../site-hosts';
import { findSite } from './site-commands';

/** The largest number of an event: above every log (lib/services/runs/list-run-events). */
const MAX_SEQ = 2_147_483_647;

/** Steps and hosts of a run by name, as far as plan and revision are still there. */
async function namesOf(api: ApiClient, run: RunView): Promise<RunNames> {
  const [plan, revision] = await Promise.all([
    api.get(PlanView, `/plans/${run.planId}`).catch(() => null),
    api.get(TopologyView, `/sites/${run.siteId}/topology/revisions/${run.revision}`).catch(() => null),
  ]);
  const names = new Map<string, string>(revision?.topology.nodes.map(({ id, name }) => [id, name]));
  const steps = new Map(
    plan?.plan.steps.map(({ id, nodeId, title }, index) => [id, { nodeId, number: index + 1, title }]),
  );
  return { steps, nameOf: (nodeId) => names.get(nodeId) ?? nodeId };
}

/** Follows until the run is over, or until Ctrl-C, which lets it go on. */
async function follow(api: ApiClient, run: RunView, { out }: CommandInput, after = 0): Promise<Exit> {
  const detach = new AbortController();
  const onSignal = (): void => detach.abort();
  process.once('SIGINT', onSignal);
  try {
    return await followRun(api, run.id, await namesOf(api, run), { out, after, signal: detach.signal });
  } catch (error) {
    if (!detach.signal.aborted) throw error;
    const message = `The run goes on without this window. Come back with: follow ${run.id}. End it with: cancel ${run.id}.`;
    throw new CliError('interrupted', message);
  } finally {
    process.off('SIGINT', onSignal);
  }
}

async function start(input: CommandInput): Promise<Exit | void> {
  const { args, values, out } = input;
  const api = await openServer(values);
  const run = await api.get(RunView, `/plans/${encodeURIComponent(args[0] ?? '')}/run`, { method: 'POST' });
  if (values['detach'] === true)
    return out.result(run, `The run ${run.id} is ${run.state}. See it with: follow ${run.id}`);
  out.note(`The run ${run.id} begins; Ctrl-C lets it go on alone.`);
  return follow(api, run, input);
}

async function followOne(input: CommandInput): Promise<Exit> {
  const api = await openServer(input.values);
  return follow(api, await api.get(RunView, `/runs/${encodeURIComponent(input.args[0] ?? '')}`), input);
}

async function list({ values, out }: CommandInput): Promise<void> {
  const api = await openServer(values);
  const site = optional(values, 'site');
  const query = new URLSearchParams({ limit: optional(values, 'limit') ?? '20' });
  if (site !== undefined) query.set('siteId', (await findSite(api, site)).id);
  const { runs } = await api.get(z.object({ runs: z.array(RunView) }), `/runs?${query.toString()}`);
  const rows = runs.map((run) => [
    run.id,
    run.siteName,
    run.kind,
    toRunWord(run),
    `${run.stepsDone}/${run.steps}`,
    run.createdAt.slice(0, 16).replace('T', ' '),
    run.createdBy,
  ]);
  const headings = ['ID', 'SITE', 'KIND', 'STATE', 'STEPS', 'FILED (UTC)', 'BY'];
  out.result(runs, rows.length > 0 ? toTable(headings, rows) : 'There are no runs.');
}

/** Asks for something of a run and says how it stands; with --follow its log from there on. */
async function ask(
  input: CommandInput,
  verb: 'cancel' | 'resume' | 'retry' | 'skip',
  toBody: (api: ApiClient, run: RunView) => Promise<unknown> = () => Promise.resolve(undefined),
): Promise<Exit> {
  const { args, values, out } = input;
  const api = await openServer(values);
  const path = `/runs/${encodeURIComponent(args[0] ?? '')}`;
  const json = await toBody(api, await api.get(RunView, path));
  const follows = values['follow'] === true;
  const after = follows ? await findLastSeq(api, path) : 0;
  const run = await api.get(RunView, `${path}/${verb}`, { method: 'POST', json });
  const isOn = !RUN_STATES[run.state].isTerminal;
  if (follows && isOn) return follow(api, run, input, after);
  const word = toRunWord(run);
  const open = `The run ${run.id} is ${word}${run.cancelRequested ? ' and was asked to end' : ''}.`;
  out.result(run, isOn ? open : `The run ${run.id} is over: ${word}.`);
  return follows ? toRunExit(run) : 'done';
}

/** Number of the newest event of a log, 0 for none. */
async function findLastSeq(api: ApiClient, path: string): Promise<number> {
  const shape = z.object({ events: z.array(z.object({ seq: z.int() })) });
  const { events } = await api.get(shape, `${path}/events?before=${MAX_SEQ}&limit=1`);
  return events.at(-1)?.seq ?? 0;
}

function retry(input: CommandInput): Promise<Exit> {
  const host = optional(input.values, 'host');
  return ask(input, 'retry', async (api, { siteId, revision }) =>
    host === undefined ? undefined : { nodeId: (await readHosts(api, siteId, revision)).idOf(host) },
  );
}

function skip(input: CommandInput): Promise<Exit> {
  const reason = required(input.values, 'reason');
  const wanted = optional(input.values, 'step');
  return ask(input, 'skip', async (api, run) => ({ stepId: await findStep(api, run, wanted), reason }));
}

const NotesPage = z.object({
  events: z.array(z.object({ seq: z.int(), at: z.string(), body: RunEventBody })),
  last: z.int(),
  more: z.boolean(),
});

/** The step that a person means by its number or id; without either the one that failed. Throws when that is not one. */
async function findStep(api: ApiClient, run: RunView, wanted: string | undefined): Promise<string> {
  const { steps, nameOf } = await namesOf(api, run);
  const ids = [...steps.keys()];
  if (wanted !== undefined) {
    const id = ids.find((stepId, index) => stepId === wanted || String(index + 1) === wanted);
    if (id === undefined) throw new CliError('failed', `The plan of this run has no step ${wanted}.`);
    return id;
  }
  const events: RunEvent[] = [];
  for (let page = { last: 0, more: true }; page.more;) {
    const found = await api.get(NotesPage, `/runs/${run.id}/events?only=notes&after=${page.last}`);
    events.push(...found.events);
    page = found;
  }
  const failed = toRunSummary(events, ids).steps.filter(({ state }) => state === 'failed');
  const [first, second] = failed;
  if (first && !second) return first.stepId;
  if (!first) throw new CliError('failed', 'No step of this run failed, so there is nothing to skip.');
  const lines = failed.map(({ stepId }) => {
    const step = steps.get(stepId);
    return `  ${step?.number ?? stepId}  ${step ? `${nameOf(step.nodeId)}: ${step.title}` : ''}`;
  });
  throw new CliError('failed', ['More than one step failed. Choose one with --step:', ...lines].join('\n'));
}

const FOLLOW = { words: 'Follow the log from there on; ends with 5 unless the run is done.' };

export const RUN_COMMANDS: readonly Command[] = [
  {
    name: 'run',
    summary: 'Starts a run of a plan and follows its log.',
    args: ['PLAN'],
    options: { ...SERVER_OPTIONS, detach: { words: 'Start it and return at once.' } },
    details: 'Ctrl-C stops following, not the run. Ends with 5 when the run ends otherwise than done.',
    run: start,
  },
  {
    name: 'follow',
    summary: 'Follows the log of a run.',
    args: ['RUN'],
    options: SERVER_OPTIONS,
    run: followOne,
  },
  {
    name: 'runs',
    summary: 'Lists runs, newest first.',
    options: {
      ...SERVER_OPTIONS,
      site: { value: 'SITE', words: 'Of this site only.' },
      limit: { value: 'N', words: 'At most so many, 1 to 200; 20 unless stated.' },
    },
    run: list,
  },
  {
    name: 'cancel',
    summary: 'Asks for the end of a run.',
    args: ['RUN'],
    options: { ...SERVER_OPTIONS, follow: FOLLOW },
    run: (input) => ask(input, 'cancel'),
  },
  {
    name: 'resume',
    summary: 'Lets a run go on where the way to a host was cut, or after a cancel.',
    args: ['RUN'],
    options: { ...SERVER_OPTIONS, follow: FOLLOW },
    run: (input) => ask(input, 'resume'),
  },
  {
    name: 'retry',
    summary: 'Starts the steps of a run that stopped again, of all hosts or of one.',
    args: ['RUN'],
    options: { ...SERVER_OPTIONS, host: { value: 'HOST', words: 'Of this host only.' }, follow: FOLLOW },
    run: retry,
  },
  {
    name: 'skip',
    summary: 'Leaves out the step that stopped a run.',
    args: ['RUN'],
    options: {
      ...SERVER_OPTIONS,
      reason: { value: 'TEXT', words: 'Why, for the log and the audit.' },
      step: { value: 'STEP', words: 'Its number in the plan, or its id, where more than one failed.' },
      follow: FOLLOW,
    },
    details: 'Such a run can end as done, but its revision does not count as applied.',
    run: skip,
  },
];
