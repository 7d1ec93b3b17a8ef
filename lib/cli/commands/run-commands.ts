import { z } from 'zod';
import { PlanView } from '@/lib/plan/plan-view';
import { toRunWord } from '@/lib/run/run-states';
import { RunView } from '@/lib/run/run-view';
import { TopologyView } from '@/lib/topology/topology-view';
import type { ApiClient } from '../api-client';
import { CliError, type Exit } from '../cli-error';
import type { Command, CommandInput } from '../command';
import { optional } from '../command';
import { followRun, type RunNames } from '../follow-run';
import { openServer, SERVER_OPTIONS } from '../login-file';
import { toTable } from '../output';
import { findSite } from './site-commands';

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
async function follow(api: ApiClient, run: RunView, { out }: CommandInput): Promise<Exit> {
  const detach = new AbortController();
  const onSignal = (): void => detach.abort();
  process.once('SIGINT', onSignal);
  try {
    return await followRun(api, run.id, await namesOf(api, run), { out, signal: detach.signal });
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

async function cancel({ args: [runId = ''], values, out }: CommandInput): Promise<void> {
  const api = await openServer(values);
  const run = await api.get(RunView, `/runs/${encodeURIComponent(runId)}/cancel`, { method: 'POST' });
  const isAsked = run.state === 'queued' || run.state === 'running';
  out.result(
    run,
    isAsked ? `The run ${run.id} was asked to end.` : `The run ${run.id} is over: ${toRunWord(run)}.`,
  );
}

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
    options: SERVER_OPTIONS,
    run: cancel,
  },
];
